"""Which sessions were let through, and whether each user's first one was called so. Pure.

Thirty-three bytes a session. A place is one number: raw partition and offset.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streaming.events.correction import Place
from streaming.events.horizon import Horizon
from streaming.events.parsing import FUTURE_TOLERANCE_MS
from streaming.events.valid import ValidSession
from streaming.ledger.holding import id_digest

_OFFSET_BITS = 48

Numbers = NDArray[np.uint64]


class Admitted:
    """Takes valid sessions, then `sort`, then questions."""

    def __init__(self) -> None:
        self._ids, self._users, self._places = array("Q"), array("Q"), array("Q")
        self._arrived_ms = array("Q")
        self._new = bytearray()

    def add(self, session: ValidSession) -> None:
        self._ids.append(id_digest(session.session_id))
        self._users.append(id_digest(session.user_id))
        self._places.append(session.raw_partition << _OFFSET_BITS | session.raw_offset)
        self._arrived_ms.append(max(session.arrived_at_ms, 0))
        self._new.append(session.user_kind == "new")

    def sort(self) -> None:
        """By session, the first place of each first."""
        before = (self._ids, self._users, self._places, self._arrived_ms)
        order = np.lexsort((_numbers(self._places), _numbers(self._ids)))
        columns = (array("Q", _numbers(column)[order].tobytes()) for column in before)
        self._ids, self._users, self._places, self._arrived_ms = columns
        self._new = bytearray(np.frombuffer(self._new, np.uint8)[order].tobytes())

    def place_of(self, session_id: str) -> Place | None:
        """The first raw place that the valid session comes from."""
        key = id_digest(session_id)
        at = bisect_left(self._ids, key)
        return _place(self._places[at]) if at < len(self._ids) and self._ids[at] == key else None

    def distinct_users(self) -> int:
        return len(np.unique(_numbers(self._users)))

    def repeated(self) -> Iterator[Place]:
        """Where a session stands that was let through once more."""
        ids = _numbers(self._ids)
        for at in np.flatnonzero(ids[1:] == ids[:-1]):
            yield _place(self._places[at + 1])

    def wrongly_new(self, horizon: Horizon) -> Iterator[Place]:
        """Sessions whose user is called new although another session of that user, called new too, arrived
        so shortly before that the gate still knew it."""
        by_user = self._by_user()
        users, arrived_ms, places = (column[by_user.new] for column in by_user.columns)
        near = arrived_ms[1:] - arrived_ms[:-1] <= horizon.horizon_ms + FUTURE_TOLERANCE_MS
        yield from map(_place, places[1:][(users[1:] == users[:-1]) & near].tolist())

    def wrongly_returning(self, horizon: Horizon) -> Iterator[Place]:
        """Sessions whose user is called returning although no session of that user arrived before, or only
        longer ago than the gate can have known. Of users with sessions in several raw partitions nothing is
        said: between those the log does not tell which came first."""
        by_user = self._by_user()
        users, arrived_ms, places = by_user.columns
        if not len(users):
            return
        starts = np.flatnonzero(np.concatenate(([True], users[1:] != users[:-1])))
        partitions = places >> np.uint64(_OFFSET_BITS)
        alone = np.minimum.reduceat(partitions, starts) == np.maximum.reduceat(partitions, starts)
        of_one_partition = np.repeat(alone, np.diff(np.append(starts, len(users))))
        reach_ms = (horizon.segments + 1) * horizon.segment_ms
        unknown = np.concatenate(([True], arrived_ms[1:] - arrived_ms[:-1] > reach_ms))
        unknown[starts] = True
        yield from map(_place, places[unknown & of_one_partition & ~by_user.new].tolist())

    def _by_user(self) -> "_ByUser":
        users, arrived_ms, places = map(_numbers, (self._users, self._arrived_ms, self._places))
        order = np.lexsort((places, arrived_ms, users))
        new = np.frombuffer(self._new, np.bool_)[order]
        return _ByUser((users[order], arrived_ms[order], places[order]), new)


class _ByUser(NamedTuple):
    """Users, arrivals and places, and whether the user is called new: by user, of each in time."""

    columns: tuple[Numbers, Numbers, Numbers]
    new: NDArray[np.bool_]


def _numbers(column: "array[int]") -> Numbers:
    return np.frombuffer(column, np.uint64)


def _place(number: int) -> Place:
    return Place(int(number) >> _OFFSET_BITS, int(number) & (1 << _OFFSET_BITS) - 1)
