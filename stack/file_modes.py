"""Keeps other users of the machine out of `.vitrine`. Standard library only.

What is written from now on is its owner's alone by the umask. What an older start left open is closed at the
next start. One user beside the owner must get in where the stack is started by root: the one that runs a
program which refuses to be root. Its group is let through the folders on its way, and reads what it is lent.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from stack.layout import Layout

UMASK = 0o077
ALL_BUT_READING = 0o027


def keep_new_files_private() -> None:
    """Makes new files of this process and its children readable by their owner only."""
    os.umask(UMASK)


def close(layout: Layout, lent_to: int | None = None) -> list[Path]:
    """Removes the permissions of other users on everything below `.vitrine`; the group `lent_to` may still
    read files that belong to it. Returns the files of other users, which are left unchanged.

    Of installed packages and jars only the folder is closed: that is enough to keep other users out, the
    packages contain no data, and their files may belong to a cache that other checkouts share."""
    refused = []
    for path in _all(layout):
        try:
            found = path.lstat()
            mode = stat.S_IMODE(found.st_mode)
            wanted = mode & ~(ALL_BUT_READING if found.st_gid == lent_to else UMASK)
            if wanted != mode and not stat.S_ISLNK(found.st_mode):
                path.chmod(wanted)
        except FileNotFoundError:
            continue  # what runs removes files all the time
        except PermissionError:
            refused.append(path)
    return refused


def _all(layout: Layout) -> Iterator[Path]:
    """Each folder before what is in it, so that the way in is closed first."""
    installed = {layout.state / "envs", layout.jars, layout.uv.parents[1]}
    yield layout.state
    for folder, folders, files in os.walk(layout.state):
        yield from (Path(folder, name) for name in files)
        below = [Path(folder, name) for name in folders]
        yield from below
        folders[:] = [path.name for path in below if path not in installed]


def lend(layout: Layout, folder: Path, group: int) -> None:
    """Lets `group` read all of `folder`, which lies below `.vitrine`, and pass through the folders that lead
    there, without seeing what else is in them. It writes nowhere."""
    let_through(layout, folder, group)
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        os.chown(path, -1, group)
        path.chmod((mode & ~UMASK) | ((mode & 0o500) >> 3))


def let_through(layout: Layout, folder: Path, group: int) -> None:
    """Lets only `group` pass from `.vitrine` to `folder`."""
    for parent in folder.parents:
        if not parent.is_relative_to(layout.state):
            break
        os.chown(parent, -1, group)
        parent.chmod(0o710)
