"""A clock that is wrong once deletes nothing, and one that was wrong deletes nothing further."""

import pytest
from msgspec.structs import replace

from streaming.contract.months import begin_ms
from streaming.contract.time_units import DAY_MS, HOUR_MS
from streaming.process.exit_code import InvalidRequest
from streaming.retention.command import believe_clock
from streaming.retention.place import InMemoryRecord, Kept
from streaming.retention.plan import PLACES, SESSIONS, TASK_LOGS
from streaming.retention.run import run

NIGHT_MS = begin_ms("2026-11") + 10 * DAY_MS
YEAR_MS = 365 * DAY_MS
DAYS = dict.fromkeys(PLACES, 400)


class Months:
    """A Place of sessions, one each day."""

    unit = "sessions"

    def __init__(self, until_ms: int) -> None:
        self.held = list(range(until_ms - YEAR_MS, until_ms, DAY_MS))

    def oldest_ms(self) -> int | None:
        return min(self.held, default=None)

    def due(self, before_ms: int) -> int:
        return sum(at < before_ms for at in self.held)

    def delete(self, before_ms: int) -> int:
        due = self.due(before_ms)
        self.held = [at for at in self.held if at >= before_ms]
        return due


def night(record: InMemoryRecord, place: Months, now_ms: int, is_right: bool = False) -> int:
    """Returns how much a run deletes."""
    believe_clock(record, now_ms, is_right)
    [done] = run({SESSIONS: place}, DAYS, record, lambda: now_ms, False)
    return done.amount


def test_a_clock_that_is_ahead_once_deletes_nothing() -> None:
    record, place = InMemoryRecord(), Months(NIGHT_MS)
    night(record, place, NIGHT_MS)
    held = list(place.held)
    with pytest.raises(InvalidRequest, match=r"more than 62 days ago.*--clock-is-right"):
        night(record, place, NIGHT_MS + 2 * YEAR_MS)
    assert night(record, place, NIGHT_MS + DAY_MS) == 0
    assert place.held == held


def test_a_boundary_that_has_not_come_yet_deletes_nothing_further() -> None:
    """Of a release that believed every clock."""
    record, place = InMemoryRecord(), Months(NIGHT_MS)
    record.write(Kept(place=SESSIONS, days=400, before_ms=NIGHT_MS + YEAR_MS))  # killed before its end
    with pytest.raises(InvalidRequest, match="which has not come yet"):
        night(record, place, NIGHT_MS)
    night(record, place, NIGHT_MS, is_right=True)
    assert place.oldest_ms() == begin_ms("2026-11")
    assert record.by_place[SESSIONS].before_ms == begin_ms("2026-11")
    assert night(record, place, NIGHT_MS + DAY_MS) == 0


def test_a_run_that_was_later_than_now_speaks_against_the_clock() -> None:
    record, place = InMemoryRecord(), Months(NIGHT_MS)
    night(record, place, NIGHT_MS)
    with pytest.raises(InvalidRequest, match="is behind now"):
        night(record, place, NIGHT_MS - 3 * DAY_MS)
    night(record, place, NIGHT_MS - HOUR_MS)


def test_after_a_long_pause_somebody_says_once_that_the_clock_is_right() -> None:
    record, place = InMemoryRecord(), Months(NIGHT_MS)
    night(record, place, NIGHT_MS)
    later_ms = NIGHT_MS + YEAR_MS
    assert night(record, place, later_ms, is_right=True) > 0
    assert night(record, place, later_ms + DAY_MS) == 0


def test_more_days_and_folders_of_runs_speak_against_nothing() -> None:
    record, place = InMemoryRecord(), Months(NIGHT_MS)
    night(record, place, NIGHT_MS)
    held = record.by_place[SESSIONS]
    record.write(Kept(place=TASK_LOGS, days=90, looked_at_ms=NIGHT_MS + YEAR_MS))
    record.write(replace(held, days=800))
    night(record, place, NIGHT_MS + DAY_MS)
    assert record.by_place[SESSIONS].before_ms == held.before_ms
