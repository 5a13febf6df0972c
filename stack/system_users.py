"""Makes the accounts of `stack.accounts` on this machine. Standard library only."""

import grp
import pwd
import subprocess

from stack import accounts
from stack.machine import Missing

FIRST_PERSON = 1_000
"""Debian gives smaller ids to the system's users."""


def ensure() -> None:
    """Makes the accounts that do not exist yet. Needs root. Raises Missing if one cannot be made, or if its
    name belongs to a person."""
    for name in accounts.ALL:
        if _exists(name):
            continue
        # The group of the first is the common one.
        command = ["useradd", "--system", "--user-group", "--no-create-home"]
        command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            failed = done.stderr.strip() if done.returncode else ""
        except FileNotFoundError:
            failed = "there is no useradd"
        if failed and not _exists(name):  # another checkout may have made it meanwhile
            raise Missing(
                f"The system user {name}, as whom a service runs, cannot be made: {failed}. Make it "
                f"({' '.join(command)}), or start Vitrine as a user other than root: all runs as that one"
            )


def uid(name: str) -> int:
    """Returns the user id of an account. Raises KeyError."""
    return pwd.getpwnam(name).pw_uid


def gid(name: str) -> int:
    """Returns the id of the group that only this account has. Raises KeyError."""
    return grp.getgrnam(name).gr_gid


def groups() -> frozenset[int]:
    """Returns the group ids of the accounts that exist."""
    return frozenset(gid(name) for name in accounts.ALL if _exists(name))


def _exists(name: str) -> bool:
    """True if the account exists. Raises Missing if its name is that of a person."""
    try:
        found = pwd.getpwnam(name)
        grp.getgrnam(name)
    except KeyError:
        return False
    if found.pw_uid >= FIRST_PERSON or found.pw_uid == 0:
        raise Missing(
            f"The user {name} of this machine is a person's (uid {found.pw_uid}), and Vitrine runs services "
            "as a system user of this name: rename that user, or start Vitrine as a user other than root"
        )
    return True
