"""Keeps other users of the machine out of `.vitrine`. Standard library only.

What is written from now on is its owner's alone by the umask. What an older start left open is closed at the
next start. Where root starts the stack, services run as accounts (`stack.accounts`): each owns what it writes
and reads what its group is lent; the accounts' common group is let through the folders on the way.
"""

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.layout import Layout

UMASK = 0o077
ALL_BUT_READING = 0o027


def keep_new_files_private() -> None:
    """Makes new files of this process and its children readable by their owner only."""
    os.umask(UMASK)


def close(layout: Layout, lent_to: Collection[int] = ()) -> list[Path]:
    """Removes the permissions of other users on everything below `.vitrine`; a group of `lent_to` may still
    read files that belong to it. Returns the files of other users, which are left unchanged.

    Of installed packages and jars only the folder is closed: that is enough to keep other users out, the
    packages contain no data, and their files may belong to a cache that other checkouts share."""
    refused = []
    for path, descriptor in _below(layout.state, installed(layout)):
        found = os.fstat(descriptor)
        mode = stat.S_IMODE(found.st_mode)
        wanted = mode & ~(ALL_BUT_READING if found.st_gid in lent_to else UMASK)
        if wanted != mode and not stat.S_ISLNK(found.st_mode):
            try:
                _itself(descriptor).chmod(wanted)
            except PermissionError:
                refused.append(path)
    return refused


def installed(layout: Layout) -> frozenset[Path]:
    """Returns the folders of installed packages and jars."""
    return frozenset({layout.state / "envs", layout.jars, layout.uv.parents[1]})


def give(path: Path, owner: int, group: int) -> None:
    """Makes `path`, with all that is in it, the property of `owner` and `group`, for the owner alone. Leaves
    files with several names alone: an account could have given itself one of a file that is not its own."""
    for _, descriptor in _below(path):
        found = os.fstat(descriptor)
        if not _has_other_names(found):
            _set(descriptor, found, owner, group, found.st_mode & 0o700)


def lend(path: Path, group: int, passing: int, owner: int = 0) -> None:
    """Lets `group` read `path`, with all that is in it, and `owner` read the files; nobody else.

    Folders are root's, so that no reader can put anything in the place of what root reads there. Where
    `owner` is not root, `passing` is the group of both readers; it may go through the folders."""
    for _, descriptor in _below(path):
        found = os.fstat(descriptor)
        if _has_other_names(found):
            continue
        own = found.st_mode & 0o700
        if owner == 0:
            _set(descriptor, found, 0, group, own | (own & 0o500) >> 3)
        elif stat.S_ISDIR(found.st_mode):
            _set(descriptor, found, 0, passing, 0o710)
        else:
            _set(descriptor, found, owner, group, 0o440)


def not_given(path: Path, owner: int) -> list[Path]:
    """Returns the files below `path` that `give` leaves to another than `owner`, because they have several
    names."""
    found = ((one, os.fstat(descriptor)) for one, descriptor in _below(path))
    return [one for one, of in found if _has_other_names(of) and of.st_uid != owner]


def _has_other_names(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_nlink > 1


def _set(descriptor: int, found: os.stat_result, owner: int, group: int, mode: int) -> None:
    """Sets owner and mode, which has no set-uid bit, of what is no link."""
    if stat.S_ISLNK(found.st_mode):
        return
    if mode != stat.S_IMODE(found.st_mode):
        _itself(descriptor).chmod(mode)  # before another owns it: a set-uid bit would be that one's
    if (found.st_uid, found.st_gid) != (owner, group):
        os.chown(_itself(descriptor), owner, group)


def let_through(layout: Layout, path: Path, group: int) -> None:
    """Lets only `group` pass the folders from `.vitrine` to `path`, without seeing what else is in them."""
    for parent in path.parents:
        if not parent.is_relative_to(layout.state):
            break
        found = parent.stat()
        if (found.st_gid, stat.S_IMODE(found.st_mode)) != (group, 0o710):
            os.chown(parent, -1, group)
            parent.chmod(0o710)


def open_to_readers(path: Path) -> None:
    """Lets everybody who may enter the folder above `path` read it and all that is in it."""
    for _, descriptor in _below(path):
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        wanted = mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6
        if wanted != mode and not stat.S_ISLNK(os.fstat(descriptor).st_mode):
            _itself(descriptor).chmod(wanted)


def lend_code(path: Path, group: int, endings: Collection[str]) -> None:
    """Lets `group` enter the folder `path` and those in it, and read their files whose names end in one of
    `endings`, where others may not already. Leaves everything else as it is."""
    for one, descriptor in _below(path):
        found = os.fstat(descriptor)
        mode = stat.S_IMODE(found.st_mode)
        folder = stat.S_ISDIR(found.st_mode)
        code = stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and one.name.endswith(tuple(endings))
        wanted = mode | (mode & 0o500) >> 3
        if (folder or code) and (mode & 0o500) >> 6 & ~mode:
            os.chown(_itself(descriptor), -1, group)
            _itself(descriptor).chmod(wanted)


def _below(top: Path, but: Collection[Path] = ()) -> Iterator[tuple[Path, int]]:
    """Yields `top` and all that is in it, each with a descriptor of it (valid until the next) and each folder
    before what is in it, so that the way in is closed first. Does not enter the folders `but`.

    Descriptors, because the accounts whose folders root walks through could otherwise put a link, or a pipe
    that nobody writes to, in a folder's place meanwhile."""
    with _opened(top.name, os.open(top.parent, os.O_PATH | os.O_DIRECTORY)) as descriptor:
        if descriptor is not None:
            yield from _with_content(top, descriptor, but)


def _with_content(path: Path, descriptor: int, but: Collection[Path]) -> Iterator[tuple[Path, int]]:
    yield path, descriptor
    if path in but or not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        return
    try:
        folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=descriptor)
    except OSError:  # another user's, or removed
        return
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            with _opened(name, os.dup(folder)) as found:
                if found is not None:
                    yield from _with_content(path / name, found, but)
    finally:
        os.close(folder)


@contextmanager
def _opened(name: str, folder: int) -> Iterator[int | None]:
    """Yields a descriptor of `name` in the open `folder`, which is closed; None if it is gone: what runs
    removes files all the time."""
    try:
        descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        yield None
        return
    finally:
        os.close(folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _itself(descriptor: int) -> Path:
    """A path that means the opened file, whatever its name now means."""
    return Path(f"/proc/self/fd/{descriptor}")
