"""A file has its complete new content, its old content, or does not exist."""

import os
from pathlib import Path

import pytest

from streaming.data_folder import atomic_file


def test_content_replaces_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file.json"
    for content in (b"old", b"new", b""):
        atomic_file.write(path, content)
        assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_nothing_is_visible_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic_file.write(path, b"old")
    with atomic_file.writing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
        assert {other.name for other in tmp_path.iterdir()} == {"file", "file" + atomic_file.UNFINISHED}
    assert path.read_bytes() == b"new"


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic_file.write(path, b"old")

    def fail_halfway() -> None:
        with atomic_file.writing(path) as file:
            file.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_unfinished_file_of_a_crash_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    left = path.with_name(path.name + atomic_file.UNFINISHED)
    left.write_bytes(b"a longer text that was never finished")
    left.chmod(0o644)
    atomic_file.write(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("umask", "mode", "expected"), [(0o022, 0o644, 0o644), (0, 0o600, 0o600), (0o077, 0o644, 0o600)]
)
def test_permissions(tmp_path: Path, umask: int, mode: int, expected: int) -> None:
    before = os.umask(umask)
    try:
        atomic_file.write(tmp_path / "file", b"", mode)
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == expected


def test_content_is_on_disk_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, steps = tmp_path / "file", []

    def fsync(descriptor: int) -> None:
        steps.append((Path(f"/proc/self/fd/{descriptor}").readlink().name, path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    atomic_file.write(path, b"new")
    assert steps == [("file" + atomic_file.UNFINISHED, False), (tmp_path.name, True)]
