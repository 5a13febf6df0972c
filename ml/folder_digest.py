"""The digest of a folder of files."""

import hashlib
from pathlib import Path


def folder_digest(folder: Path) -> str:
    """Returns the SHA-256 of the names and contents of all files in `folder`."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return found.hexdigest()
