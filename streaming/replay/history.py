"""What the log says of rejected messages: which were sent again, with which bytes, and to what end. Pure.

A message that was sent again and rejected again is no further rejection: it belongs to the one it was to
correct, its root, which stays open until a correction is let through.
"""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from typing import Literal

from msgspec import Struct

from streaming.contract.log_position import LogPosition
from streaming.contract.rejection import Reason

State = Literal["open", "corrected", "sent again", "waiting"]


class Rejected(Struct, frozen=True):
    """A message of `rejected_user_session`, by the raw message it is the outcome of."""

    place: LogPosition
    reason: str
    detail: str
    arrived_at_ms: int
    key: bytes | None
    value: bytes | None


class Attempt(Struct, frozen=True):
    """A raw message that was sent in place of a rejected one."""

    place: LogPosition
    corrects: LogPosition
    digest: str
    """Of its bytes."""


class History:
    """All attempts, and what the gate made of them. `judged`: by raw partition the offset up to which the
    gate has decided."""

    def __init__(self, attempts: Sequence[Attempt], judged: dict[int, int]) -> None:
        self._judged = judged
        self._root: dict[LogPosition, LogPosition] = {}
        self._sent: set[tuple[LogPosition, str]] = set()
        self._by_root: dict[LogPosition, list[LogPosition]] = {}
        for attempt in sorted(attempts, key=lambda attempt: attempt.place):
            self._root[attempt.place] = attempt.corrects
        for attempt in attempts:
            root = self.root(attempt.place)
            self._sent.add((root, attempt.digest))
            self._by_root.setdefault(root, []).append(attempt.place)
        self._refused: set[LogPosition] = set()

    def hear(self, place: LogPosition, reason: str) -> None:
        """Of every rejection. A duplicate was let through before: what it repeats is there."""
        if place in self._root and reason != Reason.DUPLICATE:
            self._refused.add(place)

    def root(self, place: LogPosition) -> LogPosition:
        """The message rejected first, which the one at `place` was to correct; `place` itself if none."""
        seen = {place}
        while (before := self._root.get(place)) is not None and before not in seen:
            seen.add(before)
            place = before
        return place

    def state(self, place: LogPosition) -> State:
        """Of the rejected message at `place`. Waiting: the gate has yet to decide an attempt."""
        if place in self._root:
            return "sent again"
        states = {self._state_of_attempt(attempt) for attempt in self._by_root.get(place, ())}
        return "corrected" if "corrected" in states else "waiting" if "waiting" in states else "open"

    def was_sent(self, root: LogPosition, digest: str) -> bool:
        """Whether bytes with this digest were sent in place of `root`."""
        return (root, digest) in self._sent

    def _state_of_attempt(self, place: LogPosition) -> State:
        if place.offset >= self._judged.get(place.partition, 0):
            return "waiting"
        return "open" if place in self._refused else "corrected"


def counts(
    rejected: Iterable[Rejected], history: History, reasons: Container[str]
) -> dict[State, dict[str, int]]:
    """How many of the `rejected` with one of the `reasons` are in each state, by reason."""
    found: dict[State, Counter[str]] = {}
    for one in rejected:
        if one.reason in reasons:
            found.setdefault(history.state(one.place), Counter())[one.reason] += 1
    return {state: dict(sorted(of.items())) for state, of in sorted(found.items())}
