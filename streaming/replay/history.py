"""Which rejected messages were sent again, with which bytes and which outcome, as the log shows it. Pure.

A message that was sent again and rejected again does not count as another rejection. It belongs to the
message that it should correct, its root, which stays open until the gate accepts a correction.
"""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from typing import Literal

from msgspec import Struct

from streaming.contract.log_position import LogPosition
from streaming.contract.rejection import Reason

State = Literal["open", "corrected", "sent again", "waiting", "erased"]
"""Erased: its bytes are gone, because its user was erased."""
ERASED: State = "erased"
KEPT: dict[str, State] = {"corrected": "corrected", "sent again": "sent again"}
"""The states that a message keeps when the raw messages are gone, by how they are written in the log."""


class Rejected(Struct, frozen=True):
    """A message of `rejected_user_session`."""

    position: LogPosition
    """That of the raw message."""
    reason: str
    detail: str
    arrived_at_ms: int
    key: bytes | None
    value: bytes | None
    kept: State | None = None
    """The state that the log has kept of it."""


class Attempt(Struct, frozen=True):
    """A raw message that was sent as the correction of a rejected one."""

    position: LogPosition
    corrects: LogPosition
    digest: str
    """The digest of its bytes."""


class History:
    """All attempts and their outcomes. `decided`: by raw partition, the offset up to which the gate has
    decided. Add all rejections before you ask for states."""

    def __init__(self, attempts: Sequence[Attempt], decided: dict[int, int]) -> None:
        self._decided = decided
        self._root: dict[LogPosition, LogPosition] = {}
        self._sent: set[tuple[LogPosition, str]] = set()
        self._by_root: dict[LogPosition, list[LogPosition]] = {}
        for attempt in sorted(attempts, key=lambda attempt: attempt.position):
            self._root[attempt.position] = attempt.corrects
        for attempt in attempts:
            root = self.root(attempt.position)
            self._sent.add((root, attempt.digest))
            self._by_root.setdefault(root, []).append(attempt.position)
        self._refused: set[LogPosition] = set()
        self._kept: dict[LogPosition, State] = {}

    def add_rejection(self, position: LogPosition, reason: str, kept: State | None = None) -> None:
        """Adds a rejection, with the state that the log has kept of it. An attempt rejected as a duplicate
        counts as accepted, because the session that it repeats was."""
        if kept is not None:
            self._kept[position] = kept
        if position in self._root and reason != Reason.DUPLICATE:
            self._refused.add(position)

    def root(self, position: LogPosition) -> LogPosition:
        """Returns the root of the message at `position`: the one rejected first, or `position` itself if it
        corrects none."""
        seen = {position}
        while (before := self._root.get(position)) is not None and before not in seen:
            seen.add(before)
            position = before
        return position

    def state(self, position: LogPosition) -> State:
        """Returns the state of the rejected message at `position`. Waiting: an attempt is not decided yet."""
        if (kept := self._kept.get(position)) is not None:
            return kept
        if position in self._root:
            return "sent again"
        states = {self._state_of_attempt(attempt) for attempt in self._by_root.get(position, ())}
        return "corrected" if "corrected" in states else "waiting" if "waiting" in states else "open"

    def was_sent(self, root: LogPosition, digest: str) -> bool:
        """True if bytes with this digest were sent as a correction of `root`."""
        return (root, digest) in self._sent

    def _state_of_attempt(self, position: LogPosition) -> State:
        if position.offset >= self._decided.get(position.partition, 0):
            return "waiting"
        return "open" if position in self._refused else "corrected"


def counts(
    rejected: Iterable[Rejected], history: History, reasons: Container[str]
) -> dict[State, dict[str, int]]:
    """Returns by state and reason how many of the `rejected` there are, for the given `reasons`."""
    found: dict[State, Counter[str]] = {}
    for one in rejected:
        if one.reason in reasons:
            found.setdefault(history.state(one.position), Counter())[one.reason] += 1
    return {state: dict(sorted(of.items())) for state, of in sorted(found.items())}
