"""What runs as Elasticsearch is what is in the archive, whose checksum is pinned."""

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stack.components import elasticsearch

NAME = "elasticsearch-8"
CONTENT = {"bin/elasticsearch": "#!/bin/sh", "lib/server.jar": "code", "config/jvm.options": "-Xms1g"}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    made = tmp_path / f"{NAME}.zip"
    with zipfile.ZipFile(made, "w") as files:
        files.mkdir(f"{NAME}/modules")
        for name, text in CONTENT.items():
            files.writestr(f"{NAME}/{name}", text)
    return made


def unpacked(home: Path) -> dict[str, str]:
    files = (path for path in (home / NAME).rglob("*") if path.is_file())
    return {str(path.relative_to(home / NAME)): path.read_text() for path in files}


def changed(folder: Path) -> None:
    (folder / "lib/server.jar").write_text("evil")


def added(folder: Path) -> None:
    (folder / "lib/another.jar").write_text("evil")


def added_as_a_link(folder: Path) -> None:
    (folder / "modules/evil").symlink_to("/tmp")


def replaced_by_a_link(folder: Path) -> None:
    (folder / "lib/server.jar").rename(folder.parent / "elsewhere")
    (folder / "lib/server.jar").symlink_to(folder.parent / "elsewhere")


def removed(folder: Path) -> None:
    (folder / "config/jvm.options").unlink()


@pytest.mark.parametrize("attack", [changed, added, added_as_a_link, replaced_by_a_link, removed])
def test_what_was_changed_since_is_unpacked_again(
    archive: Path, tmp_path: Path, attack: Callable[[Path], None]
) -> None:
    home = tmp_path / "home"
    elasticsearch._unzip(archive, home)
    assert unpacked(home) == CONTENT
    attack(home / NAME)
    elasticsearch._unzip(archive, home)
    assert unpacked(home) == CONTENT
    assert not (home / NAME / "modules/evil").exists()
    assert not (home / NAME / "lib/server.jar").is_symlink()
    assert [path.name for path in home.iterdir() if path.name != "elsewhere"] == [NAME]


def test_what_is_intact_is_left_with_the_modes_that_it_has(archive: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    elasticsearch._unzip(archive, home)
    script = home / NAME / "bin/elasticsearch"
    assert stat.S_IMODE(script.stat().st_mode) == 0o700
    script.chmod(0o750)  # lent to an account
    before = script.stat().st_ino
    elasticsearch._unzip(archive, home)
    assert (script.stat().st_ino, stat.S_IMODE(script.stat().st_mode)) == (before, 0o750)
