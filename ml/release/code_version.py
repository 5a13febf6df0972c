"""The version of the code that trained a model."""

import hashlib
import subprocess
from pathlib import Path

import ml
import streaming


def code_version() -> dict[str, str | None]:
    """Returns {"commit": of the checkout, None outside of one, "sources_sha256": of all Python files of ml
    and streaming, which also changes with uncommitted changes}."""
    root = Path(str(ml.__file__)).parents[1]
    head = subprocess.run(
        ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    found = hashlib.sha256()
    for package in (ml, streaming):
        for file in sorted(Path(str(package.__file__)).parent.rglob("*.py")):
            found.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return {
        "commit": head.stdout.strip() if head.returncode == 0 else None,
        "sources_sha256": found.hexdigest(),
    }
