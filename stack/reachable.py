"""Whether an account can use the files and folders that settings name outside of the checkout, where root
starts the stack: below a closed home it cannot, and the service would only say that there is no such file."""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from stack import accounts
from stack.inherited import open_to_others
from stack.service import SYSTEM_PATH, Service, StackError

WRITTEN = frozenset({"VITRINE_DATA_DIR", "VITRINE_BUDGET_LEDGER_DIR", "VITRINE_FLINK_CHECKPOINT_DIR"})
"""The settings that name folders in which services write. They make those that do not exist."""
_DOES = {"-r": "read", "-w": "write to", "-x": "run"}


def require(service: Service, checkout: Path, prefix: tuple[str, ...]) -> None:
    """Raises StackError, with what to do, if the account of `service`, started by `prefix`, cannot use its
    program or something that its variables name. What is in `checkout` is the stack's own to lend."""
    for name, path, needs in (*_program(service.command[0]), *_named(service.environment)):
        if not path.is_relative_to(checkout) and not _may(prefix, service.account, path, needs):
            raise StackError(
                f"{service.name} runs as the user {service.account}, who cannot {_DOES[needs]} {path} "
                f"({name}). Services see nothing of a closed home but this checkout: put it in a folder that "
                f"everybody may enter, and give it to that user (chown -R {service.account} {path}); or "
                "start Vitrine as a user other than root"
            )


def _program(command: str) -> Iterator[tuple[str, Path, str]]:
    path = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    if found := shutil.which(command, path=path):
        yield "its program", Path(found), "-x"


def _named(environment: Mapping[str, str]) -> Iterator[tuple[str, Path, str]]:
    for name, value in environment.items():
        if value.startswith(("/", "file:///")):
            path = Path(value.removeprefix("file://"))
            if name in WRITTEN:
                yield name, path, "-w"
            elif _exists(path):
                yield name, path, "-r"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # too long, for one: it is no path
        return False


def _may(prefix: tuple[str, ...], account: str, path: Path, needs: str) -> bool:
    path = path.resolve()
    if needs != "-w" and open_to_others(path, stat.S_IROTH if needs == "-r" else stat.S_IXOTH):
        return True
    # What a service makes, it makes in the folder above.
    there = next(one for one in (path, *path.parents) if one.exists())
    asked = [*prefix, *accounts.without_rights(account), "test", needs, str(there)]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0
