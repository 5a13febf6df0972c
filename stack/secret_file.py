"""A generated secret in a file that only its owner may read. Standard library only, but for the exception."""

import os
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from streaming.process.exit_code import InvalidRequest

_FORM = re.compile(r"[A-Za-z0-9_=-]{20,}")
_ABANDONED_S = 60


def read(path: Path, fresh: str) -> str:
    """Returns the secret in `path`: letters, digits, `-`, `_` and `=`. Saves `fresh` as it the first time, so
    that it never changes. Raises InvalidRequest if the file holds anything else: what an account of a service
    may write must not reach settings, logs or the terminal."""
    if not path.exists():
        _make(path, fresh)
    found = path.read_text(errors="replace")
    if not _FORM.fullmatch(found):
        raise InvalidRequest(
            f"{path} does not hold what was generated for it: remove it, and ./vitrine up makes it anew"
        )
    return found


def _make(path: Path, fresh: str) -> None:
    """Writes `fresh`, unless another process is faster: then its secret is kept. Nobody finds an empty file,
    and what a killed process left is removed."""
    for folder in (path.parents[1], path.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    prefix = f".{path.name}-"
    for left in path.parent.glob(f"{prefix}*"):
        with suppress(FileNotFoundError):  # of a process that runs, and is done by now
            if left.lstat().st_mtime < time.time() - _ABANDONED_S:
                left.unlink()
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=prefix)  # readable by its owner only
    try:
        with os.fdopen(descriptor, "w") as out:
            out.write(fresh)
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
