"""Lets an account reach the checkout and the interpreter where they lie below a closed folder, such as root's
home: in a mount namespace of its own (own_view.sh), in which that folder holds nothing else."""

import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from stack import accounts
from stack.service import StackContext, StackError

SCRIPT = Path(__file__).parent / "own_view.sh"
OTHERS_PASS = 0o001


def prefix(place: StackContext) -> tuple[str, ...]:
    """Returns the prefix with which root runs a command in that namespace; empty if no folder is closed."""
    needed = (place.layout.root, Path(sys.base_prefix).resolve(), *filter(None, [_java(place)]))
    covered = closed(needed)
    if not covered:
        return ()
    kept = [folder for folder in dict.fromkeys(needed) if any(map(folder.is_relative_to, covered))]
    covers = (word for folder in covered for word in ("cover", str(folder)))
    keeps = (word for folder in kept for word in ("keep", str(folder)))
    return ("/bin/sh", str(SCRIPT), *covers, *keeps, "--")


def _java(place: StackContext) -> Path | None:
    return Path(place.java_home).resolve() if place.java_home else None


def closed(needed: Iterable[Path]) -> list[Path]:
    """Returns, for each of the folders `needed`, the outermost one above it that others may not pass."""
    found = []
    for folder in needed:
        above = [one for one in reversed(folder.parents) if not one.stat().st_mode & OTHERS_PASS]
        found += above[:1]
    return list(dict.fromkeys(found))


@cache
def check(prefix: tuple[str, ...], account: str) -> None:
    """Raises StackError, with what to do, if a command cannot be run with `prefix` (in a container that may
    not mount, for example), or not as `account`, with no right and none to gain."""
    if prefix and (refused := _failed([*prefix, "true"])):
        folders = [prefix[at + 1] for at, word in enumerate(prefix) if word == "cover"]
        raise StackError(
            f"Services run as users without rights, who may not enter {', '.join(folders)}, and nothing "
            f"can be mounted here to show them this checkout alone ({refused}). Move it to a "
            "folder that everybody may enter, such as /srv/vitrine (Python and Java too, if they lie there), "
            "or give the container the capability SYS_ADMIN, or start Vitrine as a user other than root"
        )
    # Without SETPCAP, setpriv keeps the bounding set and says nothing.
    none_left = ("grep", "-q", "^CapBnd:[[:space:]]*0*$", "/proc/self/status")
    if refused := _failed([*prefix, *accounts.without_rights(account), *none_left]):
        raise StackError(
            f"Services run as users without rights, and root may not become {account} here ({refused}): give "
            "the container the capabilities SETUID, SETGID and SETPCAP, or start Vitrine as a user other "
            "than root"
        )


def _failed(command: list[str]) -> str:
    """Runs a command. Returns why it failed; empty if it did not."""
    try:
        tried = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return (tried.stderr.strip() or f"{command[0]} ended with {tried.returncode}") if tried.returncode else ""
