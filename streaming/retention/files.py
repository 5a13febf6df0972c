"""Files and folders of runs that were last changed long ago. Nothing is followed out of its folder."""

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from streaming.data_folder import opening
from streaming.retention.plan import Item, due_items


class ExpiringEntries:
    """What lies in some folders, each entry removed as a whole, as a Place."""

    def __init__(self, unit: str, *folders: Path) -> None:
        self.unit, self._folders = unit, folders

    def oldest_ms(self) -> int | None:
        items = (item for folder in self._folders for item in _entries(folder))
        return min((item.changed_at_ms for item in items), default=None)

    def due(self, before_ms: int) -> int:
        return sum(len(due_items(_entries(folder), before_ms)) for folder in self._folders)

    def delete(self, before_ms: int) -> int:
        return sum(_remove(folder, due_items(_entries(folder), before_ms)) for folder in self._folders)


class ExpiringFiles:
    """The files of a tree, each by itself, as a Place. Folders that are long empty go as well."""

    unit = "files"

    def __init__(self, root: Path) -> None:
        self._root = root

    def oldest_ms(self) -> int | None:
        return min((at_ms for _, _, at_ms in _files(self._root)), default=None)

    def due(self, before_ms: int) -> int:
        return sum(at_ms < before_ms for _, _, at_ms in _files(self._root))

    def delete(self, before_ms: int) -> int:
        gone = 0
        for inside, name, at_ms in _files(self._root):
            if at_ms < before_ms:
                opening.remove(name, inside)
                gone += 1
        _remove_empty(self._root, before_ms)
        return gone


def _changed_ms(name: str, inside: int) -> int:
    return os.stat(name, dir_fd=inside, follow_symlinks=False).st_mtime_ns // 1_000_000


def _entries(folder: Path) -> list[Item]:
    with suppress(FileNotFoundError), opening.folder(folder) as inside:
        with os.scandir(inside) as found:
            names = [entry.name for entry in found]
        return [Item(name, _newest_change_ms(name, inside)) for name in names]
    return []


def _newest_change_ms(name: str, inside: int) -> int:
    changes_ms = [_changed_ms(name, inside)]
    if _is_folder(name, inside):
        for _, folders, files, at in os.fwalk(name, dir_fd=inside):
            changes_ms += (_changed_ms(one, at) for one in (*folders, *files))
    return max(changes_ms)


def _is_folder(name: str, inside: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=inside, follow_symlinks=False).st_mode)


def _remove(folder: Path, items: Sequence[Item]) -> int:
    for item in items:
        with opening.folder(folder) as inside:
            if _is_folder(item.name, inside):
                shutil.rmtree(item.name, dir_fd=inside)
            else:
                opening.remove(item.name, inside)
    return len(items)


def _files(root: Path) -> Iterator[tuple[int, str, int]]:
    """Yields (descriptor of its folder, name, time of its last change) of each file of a tree."""
    with suppress(FileNotFoundError), opening.folder(root) as inside:
        for _, _, names, at in os.fwalk(".", dir_fd=inside):
            for name in names:
                with suppress(FileNotFoundError):
                    yield at, name, _changed_ms(name, at)


def _remove_empty(root: Path, before_ms: int) -> None:
    with suppress(FileNotFoundError), opening.folder(root) as inside:
        for _, folders, _, at in os.fwalk(".", topdown=False, dir_fd=inside):
            for name in folders:
                with suppress(OSError):  # not empty, or another process was faster
                    if _changed_ms(name, at) < before_ms:
                        os.rmdir(name, dir_fd=at)
