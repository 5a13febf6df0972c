"""Which sessions the gate accepted, and whether each user's first one was marked as such. Pure.

Uses 33 bytes per session. A log position is packed into one number: raw partition and offset.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streaming.contract.horizon import Horizon
from streaming.contract.log_position import OFFSET_BITS, LogPosition, packed, unpacked
from streaming.contract.parsing import FUTURE_TOLERANCE_MS
from streaming.contract.valid_session import ValidSession
from streaming.reconcile.store_contents import id_digest

Numbers = NDArray[np.uint64]


class Admitted:
    """Add all valid sessions, then call `sort`, then the other methods."""

    def __init__(self) -> None:
        self._ids, self._users, self._positions = array("Q"), array("Q"), array("Q")
        self._arrived_ms = array("Q")
        self._new = bytearray()

    def add(self, session: ValidSession) -> None:
        self._ids.append(id_digest(session.session_pseudonym))
        self._users.append(id_digest(session.user_pseudonym))
        self._positions.append(packed(session.raw_partition, session.raw_offset))
        self._arrived_ms.append(max(session.arrived_at_ms, 0))
        self._new.append(session.user_kind == "new")

    def sort(self) -> None:
        """Sorts by session, then by position."""
        before = (self._ids, self._users, self._positions, self._arrived_ms)
        order = np.lexsort((_numbers(self._positions), _numbers(self._ids)))
        columns = (array("Q", _numbers(column)[order].tobytes()) for column in before)
        self._ids, self._users, self._positions, self._arrived_ms = columns
        self._new = bytearray(np.frombuffer(self._new, np.uint8)[order].tobytes())

    def position_of(self, session_pseudonym: str) -> LogPosition | None:
        """Returns the first raw position of the valid session; None if there is no such session."""
        key = id_digest(session_pseudonym)
        at = bisect_left(self._ids, key)
        return unpacked(self._positions[at]) if at < len(self._ids) and self._ids[at] == key else None

    def distinct_users(self) -> int:
        return len(np.unique(_numbers(self._users)))

    def repeated(self) -> Iterator[LogPosition]:
        """Yields the position of each valid session whose pseudonym occurred before."""
        ids = _numbers(self._ids)
        for at in np.flatnonzero(ids[1:] == ids[:-1]):
            yield unpacked(self._positions[at + 1])

    def wrongly_new(self, horizon: Horizon) -> Iterator[LogPosition]:
        """Yields sessions whose user is marked as new although the gate still remembered an earlier session
        of that user; or although a session of that user in another raw partition is marked as new as well."""
        by_user = _by_user(self._users, self._arrived_ms, self._positions, self._new)
        known_ms = horizon.horizon_ms + FUTURE_TOLERANCE_MS
        yield from by_user.where(by_user.new & by_user.alone & (by_user.gap_ms <= known_ms))
        new = by_user.of(by_user.new & ~by_user.alone)
        yield from new.where(new.gap_ms <= known_ms)

    def wrongly_returning(self, horizon: Horizon, known_from_ms: int = 0) -> Iterator[LogPosition]:
        """Yields sessions whose user is marked as returning although no session of that user arrived before,
        or only longer ago than the gate can remember. Leaves out users with sessions in several raw
        partitions, because the log does not show which of those came first; and sessions that arrived before
        `known_from_ms`, because those before them may be deleted."""
        by_user = _by_user(self._users, self._arrived_ms, self._positions, self._new)
        is_judged = by_user.alone & (by_user.arrived_ms >= known_from_ms)
        yield from by_user.where(~by_user.new & is_judged & (by_user.gap_ms > horizon.reach_ms))


class _ByUser(NamedTuple):
    """Sessions by user, those of each in the order of their arrival."""

    users: Numbers
    arrived_ms: Numbers
    positions: Numbers
    new: NDArray[np.bool_]

    @property
    def gap_ms(self) -> Numbers:
        """The time since the previous session of the same user; the greatest number if there is none."""
        gaps = np.full(len(self.users), np.iinfo(np.uint64).max)
        same = self.users[1:] == self.users[:-1]
        gaps[1:][same] = (self.arrived_ms[1:] - self.arrived_ms[:-1])[same]
        return gaps

    @property
    def alone(self) -> NDArray[np.bool_]:
        """True if all sessions of the same user come from one raw partition."""
        if not len(self.users):
            return np.zeros(0, np.bool_)
        starts = np.flatnonzero(np.concatenate(([True], self.users[1:] != self.users[:-1])))
        partitions = self.positions >> np.uint64(OFFSET_BITS)
        one = np.minimum.reduceat(partitions, starts) == np.maximum.reduceat(partitions, starts)
        return np.repeat(one, np.diff(np.append(starts, len(self.users))))

    def of(self, chosen: NDArray[np.bool_]) -> "_ByUser":
        return _ByUser(self.users[chosen], self.arrived_ms[chosen], self.positions[chosen], self.new[chosen])

    def where(self, chosen: NDArray[np.bool_]) -> Iterator[LogPosition]:
        return map(unpacked, self.positions[chosen].tolist())


def _by_user(
    users: "array[int]", arrived_ms: "array[int]", positions: "array[int]", new: bytearray
) -> _ByUser:
    of, at_ms, at = _numbers(users), _numbers(arrived_ms), _numbers(positions)
    order = np.lexsort((at, at_ms, of))
    return _ByUser(of[order], at_ms[order], at[order], np.frombuffer(new, np.bool_)[order])


def _numbers(column: "array[int]") -> Numbers:
    return np.frombuffer(column, np.uint64)
