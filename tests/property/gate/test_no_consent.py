"""The gate drops exactly what was refused, and nothing of it is in anything that it writes or claims.

The oracle knows what was said because it made the messages, and reads none of them.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from support.records import text_headers
from support.sessions import ENDED_AT_MS, PSEUDONYMS, raw_value

from streaming.contract.consent import REFUSALS, Sources
from streaming.contract.feeds import Feeds
from streaming.contract.horizon import Horizon
from streaming.contract.session import Consent
from streaming.dedup.memory import InMemoryDedupStore
from streaming.dedup.port import ClaimAnswer, ClaimRequest, Generation, LogProgress
from streaming.gate.decide import PartitionState, Raw, Rules
from streaming.gate.process import Batch
from streaming.gate.records import OutputRecord, records

HORIZON_MS = 86_400_000
ANSWERS = (None, True, False)
FEEDS = ("live", "partner", "unknown feed")
ARRIVED_MS = ENDED_AT_MS + 1


class Told(NamedTuple):
    """What a message says, and how it is spoilt."""

    user: int
    session: int
    answer: bool | None
    feed: str
    fault: str
    first_version: bool
    old: bool


def _cut_before_consent(value: bytes) -> bytes:
    return value.partition(b'"consent":')[0]


FAULTS: dict[str, Any] = {
    "none": lambda value: value,
    "broken field": lambda value: value.replace(b'"clicks":7', b'"clicks":-7'),
    "unknown device": lambda value: value.replace(b'"desktop"', b'"unknown"'),
    "not a number": lambda value: value.replace(b'"clicks":7', b'"clicks":NaN'),
    "not UTF-8": lambda value: value.replace(b'"name":"', b'"name":"\xff'),
    "something after it": lambda value: value + b"}",
    "cut": lambda value: value[:-9],
    "cut before consent": _cut_before_consent,
}
AS_JSON = ("none", "broken field", "unknown device", "not a number", "not UTF-8")
"""Of version 1, only where its version can be read is it known that the field means nothing."""

told = st.builds(
    Told,
    st.integers(0, 2),
    st.integers(0, 1),
    st.sampled_from(ANSWERS),
    st.sampled_from(FEEDS),
    st.sampled_from(list(FAULTS)),
    st.booleans(),
    st.booleans(),
).filter(lambda one: not one.first_version or one.fault in AS_JSON)
settings_of_sources = st.dictionaries(st.sampled_from(FEEDS), st.sampled_from(ANSWERS), max_size=3)


def message(one: Told) -> bytes:
    value = raw_value(
        schema_version=1 if one.first_version else 2,
        user_id=f"SECRET-{one.user}",
        session_id=f"SECRET-session-{one.session}",
        name="SECRET name",
        referrer="SECRET referrer",
        feed=one.feed,
        event_time_ms=ENDED_AT_MS - (2 * HORIZON_MS if one.old else 0),
        consent=Consent(analytics=one.answer, training=False),
    )
    spoilt: bytes = FAULTS[one.fault](value)
    return spoilt


def refused_by(one: Told, by_feed: dict[str, bool | None]) -> str | None:
    """What the oracle expects."""
    answer = None if one.first_version or one.fault == "cut before consent" else one.answer
    if answer is None:
        return "source" if by_feed.get(one.feed) is False else None
    return None if answer else "session"


class Store(InMemoryDedupStore):
    """In step with an empty log; keeps what it was asked to claim."""

    def __init__(self) -> None:
        super().__init__(Horizon(HORIZON_MS, 4))
        self.generation, nothing = Generation("g"), LogProgress("log", {}, {}, 0, 0)
        self.start_rebuild(self.generation, nothing)
        self.finish_rebuild(self.generation, nothing)
        self.trust(self.incarnation())
        self.asked: list[str] = []

    def claim(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        self.asked += [one.session_pseudonym for one in request.sessions]
        return super().claim(request)


def written(raws: list[Raw], by_feed: dict[str, bool | None], store: Store) -> list[OutputRecord]:
    """What a gate writes of `raws`, one record for each."""
    sources = Sources({feed: Consent(analytics=answer) for feed, answer in by_feed.items()})
    rules = Rules(0, 1_000, HORIZON_MS, PSEUDONYMS, Feeds(named=frozenset({"partner"})), sources)
    batch = Batch(raws, {0: 0}, rules)
    answers = batch.claim(store, store.generation)
    return list(records(batch.decide(answers, {0: PartitionState()}, rules)))


def sent(messages: list[Told]) -> list[Raw]:
    return [Raw(0, n, ARRIVED_MS, b"SECRET-key", message(one)) for n, one in enumerate(messages)]


@given(st.lists(told, max_size=8), settings_of_sources)
def test_the_gate_drops_what_was_refused_and_keeps_no_byte_of_it(
    messages: list[Told], by_feed: dict[str, bool | None]
) -> None:
    raws, store = sent(messages), Store()
    found = written(raws, by_feed, store)
    for one, raw, record in zip(messages, raws, found, strict=True):
        who, headers = refused_by(one, by_feed), text_headers(record.headers or [])
        if who is None:
            assert headers.get("reason") != "no_consent"
            assert record.topic == "valid_customer_session" or (record.key, record.value) == (
                raw.key,
                raw.value,
            )
            continue
        assert (record.topic, record.key, record.value) == ("rejected_user_session", b"0", None)
        assert headers.pop("detail") in {rejection.detail for rejection in REFUSALS.values()}
        assert headers == {
            "reason": "no_consent",
            "refused_by": who,
            "raw_partition": "0",
            "raw_offset": str(raw.offset),
            "arrived_at_ms": str(ARRIVED_MS),
        }
    assert written(raws, by_feed, store) == found, "read again, the same messages have the same outcomes"


@given(st.lists(told, max_size=8), settings_of_sources)
def test_what_was_refused_claims_nothing(messages: list[Told], by_feed: dict[str, bool | None]) -> None:
    """All other messages have the outcomes that they have without those that were refused."""
    raws, everything, without = sent(messages), Store(), Store()
    kept = [raw for raw, one in zip(raws, messages, strict=True) if refused_by(one, by_feed) is None]
    among_all = dict(zip((raw.offset for raw in raws), written(raws, by_feed, everything), strict=True))
    assert written(kept, by_feed, without) == [among_all[raw.offset] for raw in kept]
    assert everything.asked == without.asked
