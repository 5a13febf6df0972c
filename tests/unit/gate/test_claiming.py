"""The dedup store is in step with the log before anything is claimed."""

from collections.abc import Iterator, Sequence

import pytest
from support.sessions import PSEUDONYMS, valid_session

from streaming.contract.horizon import Horizon
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.pseudonym_key import OtherKey
from streaming.contract.valid_session import encode
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
from streaming.gate.decide import Raw, Rules
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

    def newest_first(self) -> Iterator[Iterator[bytes]]:
        return iter(())

    def valid_sessions(self, since_ms: int) -> Iterator[tuple[bytes, float]]:
        return iter(())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claiming, "_CHECK_EVERY_S", 0)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def claims(store: Store) -> Claiming:
    """In step with the log."""
    claims = Claiming(store, EmptyLog(), 0, PSEUDONYMS, NULL_OBSERVER)
    claims.recover()
    return claims


def batch() -> Batch:
    return Batch([Raw(0, 0, 1_000, b"u", b"{}")], {0: 0}, Rules(0, 1, HORIZON.horizon_ms, PSEUDONYMS))


def test_before_the_store_was_brought_in_step_nothing_is_claimed(store: Store) -> None:
    claims = Claiming(store, EmptyLog(), 0, PSEUDONYMS, NULL_OBSERVER)
    with pytest.raises(OutOfSync):
        claims.claim(batch())


def test_an_unavailable_store_needs_no_recovery(store: Store, claims: Claiming) -> None:
    before, store.away = claims.generation, 1
    with pytest.raises(StoreUnavailable):
        claims.claim(batch())
    assert claims.generation == before
    assert claims.claim(batch()) == []


def test_a_store_that_lost_its_claims_must_be_recovered(store: Store, claims: Claiming) -> None:
    before = claims.generation
    store.forget()
    with pytest.raises(OutOfSync):
        claims.claim(batch())
    assert claims.generation is None
    claims.recover()
    assert claims.generation not in (None, before)
    assert claims.claim(batch()) == []


def test_a_store_that_lost_its_claims_is_noticed_while_idle(store: Store, claims: Claiming) -> None:
    assert claims.check()
    store.forget()
    assert not claims.check()


def test_confirming_asks_whether_the_store_still_knows_the_claims(store: Store, claims: Claiming) -> None:
    one = batch()
    claims.claim(one)
    claims.confirm(one.spans)
    with pytest.raises(OutOfSync):
        claims.confirm({0: BatchSpan(0, 9, 1_000)})
    store.forget()
    with pytest.raises(OutOfSync):
        claims.confirm(one.spans)


class LogOfAnotherKey(EmptyLog):
    def newest_first(self) -> Iterator[Iterator[bytes]]:
        yield iter([encode(valid_session())])


def test_a_gate_with_another_key_stops_before_it_changes_the_store(store: Store) -> None:
    """A rebuild would drop the counters of all days, and take every repeat for a new session."""
    claims = Claiming(store, LogOfAnotherKey(), 0, Pseudonyms("x" * 20), NULL_OBSERVER)
    before = store.snapshot()
    with pytest.raises(OtherKey, match="another key"):
        claims.recover()
    assert store.snapshot() == before
    Claiming(store, LogOfAnotherKey(), 0, PSEUDONYMS, NULL_OBSERVER).recover()
