"""Keeps the data folder its owner's when root's commands write in it. Standard library only.

Where root starts the stack, the folder belongs to the account of Vitrine's processes, which could not read a
file that belongs to root.
"""

import os
from pathlib import Path


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Makes `path` and the folders above it that are missing; each belongs to the owner of the one above."""
    missing = [path]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        try:
            folder.mkdir(mode=mode)
        except FileExistsError:
            continue
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            as_its_folder(descriptor, folder.parent)
        finally:
            os.close(descriptor)


def as_its_folder(descriptor: int, folder: Path) -> None:
    """Gives an open file that was just made in `folder` to the owner of the folder, if we are root."""
    if os.geteuid() == 0:
        owner = folder.stat()
        if owner.st_uid != 0:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
