"""Opens folders and files in the data folder, so that root's commands follow no link that another user made.
Standard library only.

Where root starts the stack, the data folder belongs to the account of Vitrine's processes, which may at any
time put a link in the place of a folder or a file. So the way to a folder is walked once, by descriptors, and
what is in it is named relative to its descriptor. What root makes there belongs to the folder's owner, which
could not read it otherwise.
"""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MOST_LINKS = 40
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def folder(path: Path, make: int | None = None) -> Iterator[int]:
    """Yields a descriptor of the folder `path`. With `make`, a mode, makes it and the folders above it if
    they are missing; each belongs to the owner of the one above. Raises OSError, also for a link on the way
    that is in another user's folder, if we are root."""
    descriptor = _walked(path.absolute(), make)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def new(name: str, inside: int, flags: int, mode: int) -> int:
    """Makes and opens the file `name` in the open folder `inside`; it belongs to the folder's owner.
    Raises FileExistsError."""
    wanted = flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    opened = os.open(name, wanted, mode, dir_fd=inside)
    try:
        _give_to_owner_of(inside, opened)
    except BaseException:
        os.close(opened)
        raise
    return opened


def existing(name: str, inside: int, flags: int) -> int:
    """Opens the file `name` in the open folder `inside`. Raises OSError for what is no file (a link, a pipe)
    and, if it is to be written by root, for a file with several names: one of them may be elsewhere."""
    opened = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=inside)
    found = os.fstat(opened)
    elsewhere = found.st_nlink > 1 and os.geteuid() == 0 and flags & (os.O_WRONLY | os.O_RDWR)
    if elsewhere or not stat.S_ISREG(found.st_mode):
        os.close(opened)
        raise OSError(errno.EMLINK if elsewhere else errno.EINVAL, "not a file of this folder alone", name)
    return opened


def new_or_existing(name: str, inside: int, flags: int, mode: int) -> int:
    """Opens the file `name` as `existing`; makes it as `new` if there is none. Raises OSError."""
    with suppress(FileNotFoundError):
        return existing(name, inside, flags)
    with suppress(FileExistsError):  # another process was faster
        return new(name, inside, flags, mode)
    return existing(name, inside, flags)


def content(name: str, inside: int) -> bytes | None:
    """Returns the content of the file `name` in the open folder `inside`; None if there is none."""
    with suppress(FileNotFoundError), os.fdopen(existing(name, inside, os.O_RDONLY), "rb") as file:
        return file.read()
    return None


def remove(name: str, inside: int) -> None:
    """Removes the file `name` from the open folder `inside`, if it is there."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=inside)


@contextmanager
def temporary(path: Path, prefix: str) -> Iterator[Path]:
    """Yields a new folder in the folder `path`, which is made too if it is missing, and removes it. The path
    yielded means this folder even if another takes its name."""
    with (
        folder(path, 0o777) as inside,
        tempfile.TemporaryDirectory(prefix=prefix, dir=_path(inside)) as made,
    ):
        own = os.open(Path(made).name, os.O_RDONLY | _FOLDER, dir_fd=inside)
        try:
            if os.fstat(own).st_uid != os.geteuid():
                raise PermissionError(errno.EPERM, "another user has put a folder in its place", made)
            yield _path(own)
        finally:
            os.close(own)


def _path(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}")


def _walked(path: Path, make: int | None) -> int:
    ways, links = list(reversed(path.parts[1:])), 0
    at = os.open("/", os.O_PATH | _FOLDER)
    try:
        while ways:
            name = ways.pop()
            link = _link(name, at)
            if link is None:
                at = _entered(name, at, make)
                continue
            links += 1
            if links > MOST_LINKS or not _trusted(os.fstat(at)):
                raise OSError(
                    errno.ELOOP, "a link that another user may have made is not followed", str(path)
                )
            ways += reversed(link.parts[1:] if link.is_absolute() else link.parts)
            if link.is_absolute():
                at = _entered("/", at, None)
        return os.open(".", os.O_RDONLY | _FOLDER, dir_fd=at)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        os.close(at)


def _link(name: str, at: int) -> Path | None:
    """Returns where the link `name` leads; None if it is none."""
    try:
        return Path(os.readlink(name, dir_fd=at))
    except OSError:
        return None


def _entered(name: str, at: int, make: int | None) -> int:
    """Returns a descriptor of the folder `name` in `at`, which is closed. `make`: as in `folder`."""
    made = False
    if make is not None:
        with suppress(FileExistsError):
            os.mkdir(name, make, dir_fd=at)
            made = True
    found = os.open(name, (os.O_RDONLY if made else os.O_PATH) | _FOLDER, dir_fd=at)
    if made:
        _give_to_owner_of(at, found)
    os.close(at)
    return found


def _trusted(of: os.stat_result) -> bool:
    """True if we follow links in a folder: everybody does in their own, but root in no other's."""
    others_write = of.st_mode & stat.S_IWOTH or (of.st_mode & stat.S_IWGRP and of.st_gid != 0)
    return os.geteuid() != 0 or (of.st_uid == 0 and not others_write)


def _give_to_owner_of(inside: int, opened: int) -> None:
    """Gives what was just made in a folder to the folder's owner, if we are root."""
    owner = os.fstat(inside)
    if os.geteuid() == 0 and owner.st_uid != 0:
        os.fchown(opened, owner.st_uid, owner.st_gid)
