"""What the running stack has written is readable by nobody else on the machine."""

import os
import stat
import subprocess
from contextlib import suppress
from pathlib import Path

from stack import system_users
from stack.context import this_checkout

STATE = this_checkout().layout.state
ANOTHER_UID = 12_345
INSTALLED = {STATE / name for name in ("envs", "jars", "uv")}


def written() -> list[Path]:
    """Everything but what lies in the folders of installed packages, which are closed as a whole."""
    found = [STATE]
    for folder, folders, files in os.walk(STATE):
        found += [Path(folder, name) for name in (*folders, *files)]
        folders[:] = [name for name in folders if Path(folder, name) not in INSTALLED]
    return found


def test_no_file_has_a_mode_for_others() -> None:
    lent_to = system_users.groups() if os.geteuid() == 0 else ()
    wrong = set()
    for path in written():
        with suppress(FileNotFoundError):
            found = path.lstat()
            mask = 0o027 if found.st_gid in lent_to else 0o077
            if not stat.S_ISLNK(found.st_mode) and stat.S_IMODE(found.st_mode) & mask:
                wrong.add(path)
    assert not wrong


def test_another_user_finds_nothing_to_read() -> None:
    if os.geteuid() != 0:
        return  # only root may try what another user can; the modes are looked at above
    become = ["setpriv", f"--reuid={ANOTHER_UID}", f"--regid={ANOTHER_UID}", "--clear-groups"]
    found = subprocess.run(
        [*become, "find", str(STATE), "-readable", "-print", "-quit"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not found.stdout
