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


def give(path: Path, owner: int, group: int, group_reads: bool = False) -> None:
    """Makes `path`, with all that is in it, the property of `owner` and `group`; with `group_reads` the group
    may read it. Others may do nothing. Files with several names are left alone: an account could have given
    itself one of a file that is not its own."""
    for _, descriptor in _below(path):
        found = os.fstat(descriptor)
        if stat.S_ISLNK(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink > 1):
            continue
        mode = stat.S_IMODE(found.st_mode) & ~UMASK
        if group_reads:
            mode |= (mode & 0o500) >> 3
        if (found.st_uid, found.st_gid) != (owner, group):
            os.chown(_itself(descriptor), owner, group)
        if mode != stat.S_IMODE(found.st_mode):
            _itself(descriptor).chmod(mode)


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


def lend_all(path: Path, group: int) -> None:
    """Lets `group` read `path` and all that is in it, and leaves everything else as it is."""
    for _, descriptor in _below(path):
        found = os.fstat(descriptor)
        if not stat.S_ISLNK(found.st_mode):
            mode = stat.S_IMODE(found.st_mode)
            os.chown(_itself(descriptor), -1, group)
            _itself(descriptor).chmod(mode | (mode & 0o500) >> 3)


def _below(top: Path, but: Collection[Path] = ()) -> Iterator[tuple[Path, int]]:
    """Yields `top` and all that is in it, each with a descriptor of it (valid until the next) and each folder
    before what is in it, so that the way in is closed first. Does not enter the folders `but`.

    Descriptors, because the accounts whose folders root walks through could otherwise put a link in a
    folder's place meanwhile."""
    with _opened(top.name, os.open(top.parent, os.O_PATH | os.O_DIRECTORY)) as descriptor:
        if descriptor is None:
            return
        yield top, descriptor
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            return
    for folder, folders, files, inside in os.fwalk(top):
        for name in (*files, *folders):
            with _opened(name, os.dup(inside)) as descriptor:
                if descriptor is not None:
                    yield Path(folder, name), descriptor
        folders[:] = [name for name in folders if Path(folder, name) not in but]


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
