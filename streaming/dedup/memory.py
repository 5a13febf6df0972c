"""The in-memory stand-in of the dedup store: for unit tests, and as the specification of the one in Redis."""

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from streaming.contract.horizon import Horizon, is_old
from streaming.contract.session import LIVE_FEED, Visit
from streaming.contract.time_units import DAY_MS
from streaming.dedup.port import (
    ClaimAnswer,
    ClaimRequest,
    FilterFill,
    Generation,
    LogProgress,
    OutOfSync,
    StoreProgress,
)

_DAYS_21_MS = 21 * DAY_MS


@dataclass
class _Generation:
    lowest: int = 0
    sessions: dict[tuple[int, str], int] = field(default_factory=dict)
    """Segment and session → the position of the message that claimed it there."""
    users: dict[tuple[int, str], tuple[int, bool]] = field(default_factory=dict)
    """Segment and user → the position of the first message there, and whether the user was new."""
    offsets: dict[int, int] = field(default_factory=dict)
    log: str = ""


class InMemoryDedupStore:
    """`restart` and `forget` simulate failures of the server."""

    def __init__(
        self, horizon: Horizon | None = None, capacity: int = 1_000_000, imports_max: int = 10_000
    ) -> None:
        self.horizon = horizon or Horizon(_DAYS_21_MS, 4)
        self._capacity, self._imports_max = capacity, imports_max
        self._generations: dict[Generation, _Generation] = {}
        self._current: Generation | None = None
        self._building: Generation | None = None
        self._counted: dict[int, int] = {}
        self._counted_log = ""
        self._feeds: dict[str, int] = {}
        self._users: set[str] = set()
        self._starts = 1
        self._trusted = 0

    def snapshot(self) -> object:
        """Returns the data that a server would have after a restart if it saved them now."""
        return deepcopy(
            (
                self._generations,
                self._current,
                self._counted,
                self._counted_log,
                self._feeds,
                self._users,
            )
        )

    def restart(self, snapshot: object | None = None) -> None:
        """Restarts the server; with the data of `snapshot`, or, without one, with its present data."""
        self._starts += 1
        self._building = None
        if snapshot is not None:
            (
                self._generations,
                self._current,
                self._counted,
                self._counted_log,
                self._feeds,
                self._users,
            ) = deepcopy(snapshot)  # type: ignore[misc]

    def forget(self) -> None:
        """Loses all data while the server keeps running."""
        self._generations, self._current, self._building = {}, None, None
        self._counted, self._counted_log, self._feeds, self._users = {}, "", {}, set()

    def standing(self) -> StoreProgress | None:
        if self._current is None:
            return None
        held = self._generations[self._current]
        return StoreProgress(self._current, held.log, dict(held.offsets))

    def incarnation(self) -> str:
        return str(self._starts)

    def is_trusted(self) -> bool:
        return self._trusted == self._starts

    def trust(self, incarnation: str) -> bool:
        self._trusted = self._starts
        return incarnation == self.incarnation()

    def claim(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        generation, sessions, positions, arrived_ms, spans = request
        if not self.is_trusted() or generation != self._current:
            raise OutOfSync
        held = self._generations[generation]
        if any(held.offsets.get(partition, 0) < span.committed for partition, span in spans.items()):
            raise OutOfSync
        for session, arrived in zip(sessions, arrived_ms, strict=True):
            if session.feed in self._feeds or len(self._feeds) < self._imports_max:
                self._note_feed(session, arrived)
        answers = [
            self._claim(held, session, position, arrived)
            for session, position, arrived in zip(sessions, positions, arrived_ms, strict=True)
        ]
        for partition, span in spans.items():
            held.offsets[partition] = max(held.offsets.get(partition, 0), span.upto)
            self._counted[partition] = max(self._counted.get(partition, 0), span.arrived_ms)
        return answers

    def _claim(self, held: _Generation, session: Visit, position: int, arrived_ms: int) -> ClaimAnswer:
        segment = max(self.horizon.segment(arrived_ms), held.lowest + self.horizon.segments)
        holders = self._holders(held, session.session_pseudonym, segment)
        if position not in holders:
            if session.feed != LIVE_FEED and session.feed not in self._feeds:
                return ClaimAnswer.TOO_MANY_IMPORTS
            if self._is_beyond(session, arrived_ms):
                return ClaimAnswer.BEYOND
            if holders:
                return ClaimAnswer.TAKEN
            held.sessions[segment, session.session_pseudonym] = position
        return self._claim_user(held, session.user_pseudonym, position, segment)

    def _is_beyond(self, session: Visit, arrived_ms: int) -> bool:
        first_ms = self._feeds.get(
            session.feed
        )  # None for the live feed, whose old sessions the gate rejects before
        horizon_ms = self.horizon.horizon_ms
        return (
            first_ms is not None
            and is_old(session, arrived_ms, horizon_ms)
            and arrived_ms - first_ms > horizon_ms
        )

    def _holders(self, held: _Generation, session_id: str, segment: int) -> list[int]:
        return [
            holder
            for (at, id_), holder in held.sessions.items()
            if id_ == session_id and self.horizon.sees(segment, at)
        ]

    def _claim_user(self, held: _Generation, user: str, position: int, segment: int) -> ClaimAnswer:
        self._users.add(user)
        firsts = [
            first for (at, id_), first in held.users.items() if id_ == user and self.horizon.sees(segment, at)
        ]
        is_new = not firsts or (position, True) in firsts
        held.users.setdefault((segment, user), (position, is_new))
        return ClaimAnswer.NEW_USER if is_new else ClaimAnswer.KNOWN_USER

    def _note_feed(self, session: Visit, arrived_ms: int) -> None:
        if session.feed != LIVE_FEED:
            self._feeds[session.feed] = min(self._feeds.get(session.feed, arrived_ms), arrived_ms)

    def start_rebuild(self, generation: Generation, committed: LogProgress) -> int | None:
        if self._building is not None:
            return None
        self._building = generation
        built = self._generations[generation] = _Generation(
            lowest=self.horizon.first_visible(committed.low_watermark_ms)
        )
        if self._counted_log != committed.log:
            self._counted, self._counted_log, self._feeds, self._users = {}, committed.log, {}, set()
        counted_ms = min((self._counted.get(p, 0) for p in committed.offsets), default=0)
        return max(0, min(built.lowest * self.horizon.segment_ms, counted_ms))

    def restore(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        if request.generation != self._building:
            raise OutOfSync
        return list(map(self._restore, request.sessions, request.positions, request.arrived_ms))

    def _restore(self, session: Visit, position: int, arrived_ms: int) -> ClaimAnswer:
        assert self._building is not None
        held, segment = self._generations[self._building], self.horizon.segment(arrived_ms)
        self._note_feed(session, arrived_ms)
        if segment < held.lowest:
            self._users.add(session.user_pseudonym)
            return ClaimAnswer.OLD
        holders = self._holders(held, session.session_pseudonym, segment)
        if holders and position not in holders:
            return ClaimAnswer.TAKEN
        held.sessions[segment, session.session_pseudonym] = position
        return self._claim_user(held, session.user_pseudonym, position, segment)

    def finish_rebuild(self, generation: Generation, committed: LogProgress) -> None:
        if generation != self._building:
            raise OutOfSync
        built = self._generations[generation]
        built.offsets, built.log = dict(committed.offsets), committed.log
        self._generations = {generation: built}
        self._current, self._building = generation, None
        self._counted |= committed.arrived_ms

    def forget_before(self, generation: Generation, low_watermark_ms: int) -> None:
        if generation != self._current:
            raise OutOfSync
        held = self._generations[generation]
        held.lowest = max(held.lowest, self.horizon.first_visible(low_watermark_ms))
        held.sessions = {key: value for key, value in held.sessions.items() if key[0] >= held.lowest}
        held.users = {key: value for key, value in held.users.items() if key[0] >= held.lowest}

    def filter_fill(self) -> list[FilterFill]:
        if self._current is None:
            return []
        held = self._generations[self._current]
        counts = {
            "sessions": Counter(segment for segment, _ in held.sessions),
            "users": Counter(segment for segment, _ in held.users),
        }
        return [
            FilterFill(f"{kind}:{segment}", self._capacity, counts[kind][segment], 0.0, 0)
            for segment in sorted(set().union(*counts.values()))
            for kind in counts
        ]

    def distinct_users(self) -> int:
        return len(self._users)
