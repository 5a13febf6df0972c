"""The store is asked for as long as it takes, and is in step with the log before anything is claimed."""

from collections.abc import Callable, Iterator, Sequence
from threading import Event

import pytest

from streaming.contract.horizon import Horizon
from streaming.dedup.memory import InMemoryDedupStore
from streaming.dedup.port import (
    BatchSpan,
    ClaimAnswer,
    ClaimRequest,
    LogProgress,
    OutOfSync,
)
from streaming.gate import claiming
from streaming.gate.claiming import Claiming
from streaming.gate.decide import Raw
from streaming.gate.process import Batch
from streaming.metrics.observer import NULL_OBSERVER
from streaming.stores import StoreUnavailable

HORIZON = Horizon(86_400_000, 4)


class Store(InMemoryDedupStore):
    """Away for the next so many claims."""

    def __init__(self) -> None:
        super().__init__(HORIZON)
        self.away = 0
        self.asked = 0

    def claim(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        self.asked += 1
        if self.away:
            self.away -= 1
            raise StoreUnavailable("away")
        return super().claim(request)


class EmptyLog:
    def committed(self) -> LogProgress:
        return LogProgress("log", {}, {}, low_watermark_ms=0, begins_ms=0)

    def is_ours_alone(self) -> bool:
        return True

    def valid_sessions(self, since_ms: int) -> Iterator[tuple[bytes, float]]:
        return iter(())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claiming, "_FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(claiming, "_LONGEST_PAUSE_S", 0.002)
    monkeypatch.setattr(claiming, "_LOOK_AFTER_STORE_EVERY_S", 0)


@pytest.fixture
def store() -> Store:
    return Store()


def claims_of(store: Store, finish_commit: Callable[[], bool] = lambda: True) -> Claiming:
    return Claiming(store, EmptyLog(), 0, finish_commit, NULL_OBSERVER)


def batch() -> Batch:
    return Batch([Raw(0, 0, 1_000, b"u", b"{}")], {0: 0}, HORIZON.horizon_ms)


def test_a_store_that_is_away_is_asked_again(store: Store) -> None:
    claims = claims_of(store)
    assert claims.recover(Event())
    store.away = 5
    one = batch()
    answered = claims.answers(claims.ask(one), Event())
    assert answered is not None
    assert answered.batch is one
    assert store.asked == 6


def test_a_store_that_lost_its_memory_is_brought_in_step_and_asked_again(store: Store) -> None:
    claims = claims_of(store)
    assert claims.recover(Event())
    before = claims.generation
    store.forget()
    assert claims.answers(claims.ask(batch()), Event()) is not None
    assert claims.generation not in (None, before)


def test_told_to_stop_while_the_store_is_away_it_drops_the_batch(store: Store) -> None:
    claims, stop = claims_of(store), Event()
    assert claims.recover(stop)
    store.away = 1_000_000
    asked = claims.ask(batch())
    stop.set()
    assert claims.answers(asked, stop) is None


def test_it_does_not_recover_before_what_is_our_own_is_in_the_log(store: Store) -> None:
    claims = claims_of(store, finish_commit=lambda: False)
    assert not claims.recover(Event())
    assert claims.generation is None
    assert store.standing() is None


def test_a_store_that_lost_its_memory_is_noticed_with_nothing_to_do(store: Store) -> None:
    claims = claims_of(store)
    assert claims.recover(Event())
    before = claims.generation
    claims.look_after_store(Event())
    assert claims.generation == before
    store.forget()
    claims.look_after_store(Event())
    assert claims.generation not in (None, before)


def test_confirming_asks_whether_the_store_still_knows_what_it_was_asked(store: Store) -> None:
    claims = claims_of(store)
    assert claims.recover(Event())
    one = batch()
    assert claims.answers(claims.ask(one), Event()) is not None
    claims.confirm(one.spans)
    with pytest.raises(OutOfSync):
        claims.confirm({0: BatchSpan(0, 9, 1_000)})
    store.forget()
    with pytest.raises(OutOfSync):
        claims.confirm(one.spans)
