"""What a part of a backup is. To back up one thing more, add one to `stack.backup.parts`."""

from collections.abc import Callable, Sequence
from typing import BinaryIO, Protocol

from stack.backup.sealing import Writable

Tell = Callable[[str], None]
"""Called with how far it is, in words for people: no content."""


class Part(Protocol):
    """Something that is saved as one stream and restored from it."""

    @property
    def name(self) -> str:
        """Of its file."""

    @property
    def needs(self) -> Sequence[str]:
        """The services that must run to save or restore it. Without any, none may run while it is
        restored."""

    def present(self) -> str:
        """Returns what a restore would replace now, in words for people; empty if there is nothing."""

    def save(self, out: Writable, tell: Tell) -> list[str]:
        """Writes it to `out`. Returns what there is and was left out, with the reason."""

    def restore(self, saved: BinaryIO, tell: Tell) -> str:
        """Replaces what there is by what was saved. It may have been called before, and been killed. Returns
        what it has done, in words for people."""
