"""The generated password of each principal and the key of imports, each in a file that only its owner may
read. Standard library only."""

import os
import secrets
import tempfile
from pathlib import Path

from stack.layout import Layout

BYTES = 32


def file(layout: Layout, name: str) -> Path:
    """Returns the file that contains the password called `name` and nothing else."""
    return layout.passwords / name


def password(layout: Layout, name: str) -> str:
    """Returns the password called `name`: letters, digits, `-` and `_`. Makes it at the first call; it never
    changes while the file exists."""
    path = file(layout, name)
    if not path.exists():
        _make(path)
    return path.read_text()


def _make(path: Path) -> None:
    """Writes a new password, unless another process is faster: then its password is kept."""
    for folder in (path.parents[1], path.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")  # readable by its owner only
    try:
        with os.fdopen(descriptor, "w") as out:
            out.write(secrets.token_urlsafe(BYTES))
        os.link(name, path)  # never a file without its content
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
