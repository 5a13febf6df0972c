"""The attempts of another user: `python -m stack.ports.stranger USER` is the process that becomes USER.

A process of its own, and no fork of the caller's: a fork of a process with threads may wait for ever for a
lock that one of them held.
"""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Mapping

from stack.layout import HERE
from stack.ports import attempts, replies
from stack.ports.listening import Address

STRANGER = "nobody"
"""A user who has no rights and is no account of ours."""


def served_as_stranger(services: Mapping[Address, str]) -> dict[Address, str | None]:
    """Returns the outcome at each address after STRANGER has tried all that `replies.as_stranger` has for its
    service. Needs root. Raises ChildProcessError if the attempts cannot be
    made."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, STRANGER],
        input=json.dumps([[*address, service] for address, service in services.items()]),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        cwd=HERE.root,
    )
    if done.returncode:
        raise ChildProcessError(f"no attempt could be made as {STRANGER}")
    return {Address(host, port): name for host, port, name in json.loads(done.stdout)}


def _become(name: str) -> None:
    user = pwd.getpwnam(name)
    if user.pw_uid == os.geteuid():
        return
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)


def _main(name: str) -> int:
    services = {Address(host, port): service for host, port, service in json.load(sys.stdin)}
    try:
        _become(name)
    except (KeyError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    tries = {address: replies.as_stranger(service, address.port) for address, service in services.items()}
    found = attempts.all_served(tries)
    json.dump([[*address, served] for address, served in found.items()], sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
