"""The folder of the backups: names, the lock of whoever makes one, and how many are kept."""

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.backup import stored
from stack.backup.manifest import Refused, is_name
from streaming.process.exit_code import InvalidRequest

_SHORTEST = 16


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder if it is missing, and keeps it for this process. Raises InvalidRequest if another
    process makes or restores a backup there, or if others than its owner can read it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            raise InvalidRequest(
                f"Others can read {folder}, and backups hold personal data: chmod 700 {folder}"
            )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidRequest(
                f"Another backup or restore is using {folder}: wait until it is done"
            ) from None
        yield
    finally:
        os.close(descriptor)


def complete(folder: Path) -> list[Path]:
    """Returns the backups that have a manifest, the oldest first."""
    manifests = (stored.MANIFEST, stored.SEALED_MANIFEST)
    return [one for one in _all(folder) if any((one / name).exists() for name in manifests)]


def chosen(folder: Path, name: str | None) -> Path:
    """Returns the backup called `name`, or the newest complete one. Raises InvalidRequest if there is none,
    and Refused if it is torn."""
    there = complete(folder)
    if name is None:
        if not there:
            raise InvalidRequest(f"There is no complete backup in {folder}: see VITRINE_BACKUP_DIR")
        return there[-1]
    if folder / name in there:
        return folder / name
    if folder / name in _all(folder):
        raise Refused(f"{name} has no manifest: it is torn")
    names = ", ".join(one.name for one in there) or "none"
    raise InvalidRequest(f"There is no backup {name} in {folder}; there are: {names}")


def remove_torn(folder: Path) -> None:
    """Removes what backups left that were killed. Call it under the lock."""
    for one in set(_all(folder)) - set(complete(folder)):
        shutil.rmtree(one)


def remove_oldest(folder: Path, keep: int, but: str | None = None) -> list[str]:
    """Removes all but the newest `keep` backups, and the one called `but`. Returns the names of the removed
    ones."""
    old = [one for one in complete(folder)[:-keep] if one.name != but]
    for one in old:
        for manifest in (stored.MANIFEST, stored.SEALED_MANIFEST):
            (one / manifest).unlink(missing_ok=True)  # first: what is left of a killed process is torn
        shutil.rmtree(one)
    return [one.name for one in old]


def twice_as_large(folder: Path) -> str | None:
    """Returns the name of the largest backup, if the newest has less than half its size: something may have
    been lost before the newest was made."""
    sizes = {one.name: sum(file.stat().st_size for file in one.iterdir()) for one in complete(folder)}
    if not sizes:
        return None
    largest = max(sizes, key=lambda name: (sizes[name], name))
    return largest if 2 * sizes[max(sizes)] < sizes[largest] else None


def passphrase(file: Path | None) -> bytes | None:
    """Returns the passphrase in `file`; None without a file. Raises InvalidRequest if it cannot be used."""
    if file is None:
        return None
    try:
        mode, content = file.stat().st_mode, file.read_bytes().strip()
    except OSError as error:
        raise InvalidRequest(f"VITRINE_BACKUP_PASSPHRASE_FILE cannot be read: {error.strerror}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise InvalidRequest(f"Others can read the passphrase of the backups: chmod 600 {file}")
    if len(content) < _SHORTEST:
        raise InvalidRequest(f"The passphrase in {file} has less than {_SHORTEST} characters")
    return content


def _all(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(one for one in folder.iterdir() if is_name(one.name) and one.is_dir())
