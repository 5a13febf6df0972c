"""Files and folders that were last changed long ago."""

import os
from pathlib import Path

from streaming.retention.files import ExpiringEntries, ExpiringFiles

OLD_MS, NEW_MS, BORDER_MS = 1_000_000, 3_000_000, 2_000_000


def write(path: Path, at_ms: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    os.utime(path, ns=(at_ms * 10**6,) * 2)
    return path


def settle(*folders: Path, at_ms: int = OLD_MS) -> None:
    """Gives folders a time of change, from the inside out."""
    for folder in folders:
        os.utime(folder, ns=(at_ms * 10**6,) * 2)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_folder_goes_whole_when_nothing_in_it_was_changed_since(tmp_path: Path) -> None:
    write(tmp_path / "old" / "deep" / "trusted.json", OLD_MS)
    write(tmp_path / "used" / "deep" / "trusted.json", NEW_MS)
    write(tmp_path / "file", OLD_MS)
    settle(
        *(tmp_path / run / "deep" for run in ("old", "used")), *(tmp_path / run for run in ("old", "used"))
    )
    place = ExpiringEntries("folders", tmp_path, tmp_path / "nowhere")
    assert place.oldest_ms() == OLD_MS
    assert place.due(BORDER_MS) == 2
    assert place.due(OLD_MS) == 0
    assert place.delete(BORDER_MS) == 2
    assert names(tmp_path) == {"used", "used/deep", "used/deep/trusted.json"}
    assert place.delete(BORDER_MS) == place.due(BORDER_MS) == 0
    assert place.oldest_ms() == NEW_MS


def test_nothing_is_followed_out_of_the_folder(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "precious", OLD_MS)
    inside = tmp_path / "inside"
    write(inside / "run" / "a", OLD_MS)
    for link, target in ((inside / "link", outside.parent), (inside / "run" / "link", outside)):
        link.symlink_to(target)
        os.utime(link, ns=(OLD_MS * 10**6,) * 2, follow_symlinks=False)
    settle(inside / "run", outside.parent)
    assert (
        ExpiringFiles(inside).delete(BORDER_MS) == 2
    )  # the file and the link to one; not what links lead to
    settle(inside / "run")
    assert ExpiringEntries("folders", inside).delete(BORDER_MS) == 2
    assert names(inside) == set()
    assert outside.read_text() == "x"


def test_logs_go_one_by_one_and_folders_when_they_are_long_empty(tmp_path: Path) -> None:
    write(tmp_path / "dag" / "run 1" / "attempt=1.log", OLD_MS)
    write(tmp_path / "dag" / "run 2" / "attempt=1.log", OLD_MS)
    write(tmp_path / "dag" / "run 2" / "attempt=2.log", NEW_MS)
    place = ExpiringFiles(tmp_path)
    assert (place.oldest_ms(), place.due(BORDER_MS)) == (OLD_MS, 2)
    assert place.delete(BORDER_MS) == 2
    left = {"dag", "dag/run 2", "dag/run 2/attempt=2.log"}
    assert names(tmp_path) == left | {"dag/run 1"}  # it was changed just now
    settle(tmp_path / "dag" / "run 1")
    assert place.delete(BORDER_MS) == 0
    assert names(tmp_path) == left


def test_a_place_that_is_not_there_is_empty(tmp_path: Path) -> None:
    for place in (ExpiringFiles(tmp_path / "no"), ExpiringEntries("files", tmp_path / "no")):
        assert (place.oldest_ms(), place.due(BORDER_MS), place.delete(BORDER_MS)) == (None, 0, 0)
