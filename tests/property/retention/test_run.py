"""A run of retention that is killed at any moment, and the one after it."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.contract.months import begin_ms, month_of
from streaming.contract.time_units import DAY_MS
from streaming.retention.place import InMemoryRecord, Kept
from streaming.retention.plan import DATED, PLACES
from streaming.retention.run import Done, run

NOW_MS = 1_700_000_000_000
times = st.lists(st.integers(0, 1_000).map(lambda days: NOW_MS - days * DAY_MS), max_size=8)
keeps = st.fixed_dictionaries({name: st.sampled_from([0, 1, 30, 400]) for name in PLACES})


class Killed(Exception):
    """The process ended here."""


class Steps:
    """Counts every step of a run and ends it at one of them."""

    def __init__(self, last: int | None = None) -> None:
        self.left = last

    def __call__(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed


class Things:
    """A place that deletes one thing at a step."""

    unit = "things"

    def __init__(self, held: list[int], step: Steps) -> None:
        self.held, self.step = sorted(held), step

    def oldest_ms(self) -> int | None:
        return min(self.held, default=None)

    def due(self, before_ms: int) -> int:
        return sum(at_ms < before_ms for at_ms in self.held)

    def delete(self, before_ms: int) -> int:
        gone = 0
        while self.due(before_ms):
            self.step()
            del self.held[0]
            gone += 1
        return gone


class SteppedRecord(InMemoryRecord):
    """A record that may be the last thing a run reached."""

    def __init__(self, step: Steps) -> None:
        super().__init__()
        self.step = step

    def write(self, kept: Kept) -> None:
        self.step()
        super().write(kept)


def all_of(
    held: dict[str, Things], days: dict[str, int], record: InMemoryRecord, only_look: bool = False
) -> dict[str, Done]:
    found: Iterator[Done] = run(held, days, record, lambda: NOW_MS, only_look)
    return {done.place: done for done in found}


@given(st.fixed_dictionaries(dict.fromkeys(PLACES, times)), keeps, st.integers(0, 60))
def test_killed_anywhere_and_run_again_it_ends_the_same(
    content: dict[str, list[int]], days: dict[str, int], last: int
) -> None:
    step = Steps()
    whole = {name: Things(content[name], step) for name in PLACES}
    all_of(whole, days, InMemoryRecord())

    step = Steps(last)
    held, record = {name: Things(content[name], step) for name in PLACES}, SteppedRecord(step)
    try:
        all_of(held, days, record)
    except Killed:
        for name in DATED:  # whatever is gone, its boundary was remembered before
            gone = set(content[name]) - set(held[name].held)
            assert all(at_ms < record.by_place[name].before_ms for at_ms in gone)
    step.left = None
    all_of(held, days, record)
    assert {name: place.held for name, place in held.items()} == {
        name: place.held for name, place in whole.items()
    }
    again = all_of(held, days, record)
    assert {done.amount for done in again.values()} == {0}


@given(st.fixed_dictionaries(dict.fromkeys(PLACES, times)), keeps)
def test_a_dry_run_says_what_a_run_does_and_changes_nothing(
    content: dict[str, list[int]], days: dict[str, int]
) -> None:
    held, record = {name: Things(content[name], Steps()) for name in PLACES}, InMemoryRecord()
    told = all_of(held, days, record, only_look=True)
    assert {name: place.held for name, place in held.items()} == {
        name: sorted(found) for name, found in content.items()
    }
    assert record.by_place == {}
    done = all_of(held, days, record)
    assert {name: one.amount for name, one in told.items()} == {
        name: one.amount for name, one in done.items()
    }


@given(times)
def test_what_comes_late_is_deleted_by_the_next_run_and_each_deletion_is_remembered(late: list[int]) -> None:
    days = dict.fromkeys(PLACES, 0) | {"sessions": 30}
    held, record = {"sessions": Things([NOW_MS - 500 * DAY_MS, NOW_MS], Steps())}, InMemoryRecord()
    assert all_of(held, days, record)["sessions"].amount == 1
    held["sessions"].held = sorted([*held["sessions"].held, *late])
    before_ms = begin_ms(month_of(NOW_MS - 30 * DAY_MS))
    expired = sum(at_ms < before_ms for at_ms in late)
    assert all_of(held, days, record)["sessions"].amount == expired
    kept = record.by_place["sessions"]
    assert [one.deleted for one in kept.deletions] == [expired, 1][not expired :]
    assert kept.before_ms == before_ms
    assert kept.oldest_ms == min([at_ms for at_ms in late if at_ms >= before_ms], default=NOW_MS)


def test_a_longer_setting_brings_back_no_boundary() -> None:
    held, record = {"sessions": Things([], Steps())}, InMemoryRecord()
    for kept in (30, 400, 0):
        all_of(held, dict.fromkeys(PLACES, kept), record)
        assert record.by_place["sessions"].before_ms == begin_ms(month_of(NOW_MS - 30 * DAY_MS))
        assert record.by_place["sessions"].days == kept


def test_a_place_that_fails_ends_the_run_and_those_before_it_are_done() -> None:
    held = {"sessions": Things([0], Steps()), "session_summaries": Things([0], Steps(0))}
    record = InMemoryRecord()
    with pytest.raises(Killed):
        all_of(held, dict.fromkeys(PLACES, 30), record)
    assert held["sessions"].held == []
    assert record.by_place["session_summaries"].before_ms > 0
