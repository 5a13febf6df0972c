"""Lets the accounts of the services read what was installed, and the code, where the umask or a cache has
closed it to them."""

import os
import stat

from stack import accounts, environments, file_modes, system_users
from stack.layout import Layout

MARK = "opened"
NOT_CODE = frozenset({".git", ".vitrine"})
OTHERS_READ = 0o004


def open_installed(layout: Layout) -> None:
    """Lets the accounts read environments and jars, in folders that only they may pass. Walks through an
    environment once after each installation."""
    common = system_users.gid(accounts.COMMON)
    for environment in sorted((layout.state / "envs").glob("*")):
        installed, mark = environment / environments.MARK, environment / MARK
        now = f"{installed.read_text()}{installed.stat().st_mtime_ns}" if installed.exists() else ""
        if not now or (mark.exists() and mark.read_text() == now):
            continue
        file_modes.open_to_readers(environment)
        file_modes.let_through(layout, environment, common)
        mark.write_text(now)
    for jars in sorted(layout.jars.glob("*")):
        file_modes.open_to_readers(jars)
        file_modes.let_through(layout, jars, common)


def open_code(layout: Layout) -> None:
    """Lets the accounts read a checkout that was made with a umask that closes it."""
    common = system_users.gid(accounts.COMMON)
    found = layout.root.stat()
    if not found.st_mode & OTHERS_READ:
        os.chown(layout.root, -1, common)
        layout.root.chmod(stat.S_IMODE(found.st_mode) | 0o050)
    for path in layout.root.iterdir():
        if path.name not in NOT_CODE and not path.is_symlink() and not path.stat().st_mode & OTHERS_READ:
            file_modes.lend_all(path, common)
