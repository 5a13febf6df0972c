"""The mark of a restore that has begun and not ended: until it has, nothing is started on what it left."""

from pathlib import Path

from stack.layout import Layout
from stack.service import StackError
from streaming.data_folder import atomic_file


def _mark(layout: Layout) -> Path:
    return layout.state / "restoring"


def begin(layout: Layout, backup: str) -> None:
    """Marks that the backup called `backup` is being restored."""
    atomic_file.write(_mark(layout), backup.encode(), mode=0o600)


def end(layout: Layout) -> None:
    """Marks that the restore is complete."""
    _mark(layout).unlink(missing_ok=True)


def of(layout: Layout) -> str | None:
    """Returns the name of the backup whose restore has begun and not ended; None if there is none."""
    try:
        return _mark(layout).read_text().strip()
    except FileNotFoundError:
        return None


def require_none(layout: Layout) -> None:
    """Raises StackError if a restore was interrupted."""
    if name := of(layout):
        raise StackError(
            f"The restore of {name} was interrupted, so that stores and files do not belong together. "
            "To complete it: ./vitrine restore"
        )
