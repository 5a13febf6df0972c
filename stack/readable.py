"""Lets the accounts of the services read what was installed, and the code, where the umask or a cache has
closed it to them."""

import os
import stat

from stack import accounts, environments, file_modes, system_users
from stack.layout import Layout

MARK = "opened"
CODE = ("dags", "dashboards", "lab", "ml", "plugins", "stack", "streaming", "pyproject.toml")
"""What a service reads of the checkout. Beside it lie files of who made the checkout: exports, notes,
passwords of containers."""
ENDINGS = (
    *(".airflowignore", ".css", ".html", ".j2", ".java", ".js", ".json", ".lua", ".md", ".ndjson"),
    *(".py", ".sh", ".svg", ".toml", ".txt", ".xml", ".yaml"),
)
"""Of the files in these folders: an export that somebody writes there is not code."""
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
    """Lets the accounts read the code of a checkout that the umask has closed, and nothing else."""
    common = system_users.gid(accounts.COMMON)
    found = layout.root.stat()
    if not found.st_mode & OTHERS_READ:
        os.chown(layout.root, -1, common)
        layout.root.chmod(stat.S_IMODE(found.st_mode) | 0o050)
    for name in CODE:
        if os.path.lexists(layout.root / name):
            file_modes.lend_code(layout.root / name, common, ENDINGS)
