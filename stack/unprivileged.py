"""Runs each service as its account where root starts the stack, with its own files and no others'."""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from stack import accounts, file_modes, own_view, reachable, system_users
from stack.inherited import inherited
from stack.service import SYSTEM_PATH, Service, StackContext, StackError


def declared(place: StackContext, services: Iterable[Service]) -> tuple[Service, ...]:
    """Returns `services` as they run here: unchanged unless we are root."""
    found = tuple(services)
    if not place.root:
        return found
    lent = readers(found)
    return tuple(one if one.external else _as_account(place, one, lent) for one in found)


def readers(services: Iterable[Service]) -> dict[Path, tuple[str, ...]]:
    """Returns the accounts that read each path that some service reads."""
    found: dict[Path, dict[str, None]] = {}
    for service in services:
        for path in service.reads:
            found.setdefault(path, {})[service.account] = None
    return {path: tuple(sorted(those)) for path, those in found.items()}


def command(place: StackContext, account: str) -> tuple[str, ...]:
    """Returns the prefix that runs a command as `account`; empty unless we are root."""
    return (*own_view.prefix(place), *accounts.without_rights(account)) if place.root else ()


def run(
    place: StackContext, account: str, program: Iterable[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs `program` to its end as `account` (as the caller, unless we are root), with `environment` and what
    services inherit. Our own environment has the admin's passwords, and the caller's whole shell."""
    with start(place, account, program, environment) as process:
        output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def start(
    place: StackContext,
    account: str,
    program: Iterable[str],
    environment: Mapping[str, str],
    output: int | IO[str] = subprocess.PIPE,
) -> subprocess.Popen[str]:
    """Starts `program` as `run` runs it."""
    own = {"PATH": SYSTEM_PATH, **inherited(os.environ, place.root), **variables(place, account)}
    return subprocess.Popen(
        [*command(place, account), *program],
        env={**own, **environment},
        cwd=place.layout.root,
        stdout=output,
        stderr=output,
        text=True,
    )


def home(place: StackContext, account: str) -> Path:
    """Returns the folder for what the programs of an account keep for themselves."""
    return place.layout.state / "homes" / account


def variables(place: StackContext, account: str) -> dict[str, str]:
    """Returns the variables by which a process finds what is its account's; empty unless we are root."""
    if not place.root:
        return {}
    own = home(place, account)
    return {
        "HOME": str(own),
        "USER": account,
        "LOGNAME": account,
        # Root's own may be closed to it (pam_tmpdir).
        "TMPDIR": "/tmp",
        # An account can write no bytecode beside the code, and root must not run what an account wrote.
        "PYTHONPYCACHEPREFIX": str(own / "bytecode"),
        # Otherwise git tells nothing about a checkout of another user.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": str(place.layout.root),
    }


def _as_account(place: StackContext, service: Service, lent: Mapping[Path, tuple[str, ...]]) -> Service:
    prefix = command(place, service.account)

    def prepare() -> None:
        own_view.check(own_view.prefix(place), service.account)
        reachable.require(service, place.layout.root, own_view.prefix(place))
        home(place, service.account).mkdir(parents=True, exist_ok=True)
        take(place, service.account, home(place, service.account))
        if service.prepare:
            service.prepare()
        take(place, service.account, *service.writes)
        for path in service.reads:
            if os.path.lexists(path):
                lend(place, path, *lent[path])

    return replace(
        service,
        command=(*prefix, *service.command),
        environment={**variables(place, service.account), **service.environment},
        prepare=prepare,
    )


@contextmanager
def giving() -> Iterator[None]:
    """Raises StackError, with what to do, if root may not give files to an account."""
    try:
        yield
    except PermissionError as error:
        raise StackError(
            f"Services run as users without rights, and root may not give them their files ({error}). In a "
            "container, give it the capabilities CHOWN, FOWNER and DAC_OVERRIDE; on a disk of the network, "
            "move the checkout to one of this machine; or start Vitrine as a user other than root"
        ) from error


def take(place: StackContext, account: str, *paths: Path) -> None:
    """Makes those of `paths` that exist (folders, with all that is in them, or files, below `.vitrine`) the
    property of `account`, and lets it reach them. Does nothing unless we are root."""
    if not place.root:
        return
    owner, group = system_users.uid(account), system_users.gid(account)
    with giving():
        for path in paths:
            if os.path.lexists(path):
                file_modes.give(path, owner, group)
                file_modes.let_through(place.layout, path, system_users.gid(accounts.COMMON))


def not_given(services: Iterable[Service]) -> dict[Path, str]:
    """Returns the files that the account of a service is not given though it writes them, because they have
    several names, each with the account. Needs root."""
    written = {path: one.account for one in services if not one.external for path in one.writes}
    return {
        left: account
        for path, account in written.items()
        if os.path.lexists(path)
        for left in file_modes.not_given(path, system_users.uid(account))
    }


def lend(place: StackContext, path: Path, *to: str) -> None:
    """Lets one or two accounts read `path`, which stays root's: the last by its group, and the one before as
    owner of the files. Does nothing unless we are root."""
    if not place.root:
        return
    *first, last = to
    common = system_users.gid(accounts.COMMON)
    owner = system_users.uid(first[0]) if first else 0
    with giving():
        file_modes.lend(path, system_users.gid(last), common, owner)
        file_modes.let_through(place.layout, path, common)
