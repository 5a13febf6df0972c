"""The generated password of each principal, in a file that only its owner may read. Standard library only."""

import os
import secrets
import tempfile
from pathlib import Path

from stack.layout import Layout
from stack.principals import Principal

BYTES = 32


def file(layout: Layout, principal: Principal) -> Path:
    """Returns the file that contains the password of `principal`, and nothing else."""
    return layout.passwords / principal


def password(layout: Layout, principal: Principal) -> str:
    """Returns the password of `principal`: letters, digits, `-` and `_`. Makes it at the first call; it never
    changes while the file exists."""
    path = file(layout, principal)
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
