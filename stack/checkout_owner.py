"""Tells whose `.vitrine` this is, where a start as another user would mix up who owns what. Standard library
only."""

import os
import pwd
from pathlib import Path

from stack.layout import Layout


class AnotherOwner(Exception):
    """Another user owns the stack of this checkout; the message says what to do."""


def require(layout: Layout) -> None:
    """Raises AnotherOwner, before anything is changed, if another user has started the stack here."""
    if why := reason(layout):
        raise AnotherOwner(why)


def reason(layout: Layout) -> str | None:
    """Returns a message that says who has started the stack here, and what to do, if that is another user;
    otherwise None."""
    for folder in (layout.state, layout.run):
        try:
            owner = folder.lstat().st_uid
        except OSError:
            continue
        if owner != os.geteuid():
            return whose(folder, owner)
    return None


def whose(folder: Path, owner: int) -> str:
    """Returns what to do about a folder that belongs to `owner`: nothing in it is to be deleted."""
    them, us = _name(owner), _name(os.geteuid())
    go_on = "use sudo, or as root" if owner == 0 else f"go on as {them}, or, to go on as {us}, as root"
    return (
        f"{folder} belongs to {them}, who has started Vitrine here, and you are {us}: {go_on} "
        f"stop it (./vitrine down as {them}) and give it to {us} (chown -R {us} {folder}). It holds "
        "passwords and data: do not delete it"
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
