"""What becomes of raw messages, by the rules alone."""

import pytest
from msgspec import DecodeError
from support import sessions
from support.sessions import PSEUDONYMS

from streaming.contract.horizon import stated_horizon_ms
from streaming.contract.rejection import Reason, Rejection
from streaming.dedup.port import ClaimAnswer
from streaming.gate.candidate import Candidate, candidate
from streaming.gate.decide import (
    ExtractionDue,
    PartitionState,
    Raw,
    Rejected,
    Rules,
    Valid,
    decide,
    decode_state,
    encode_state,
)

BEYOND, KNOWN_USER = ClaimAnswer.BEYOND, ClaimAnswer.KNOWN_USER
NEW_USER, TAKEN = ClaimAnswer.NEW_USER, ClaimAnswer.TAKEN
RULES = Rules(allowed_lateness_ms=100, extraction_every=2, horizon_ms=10_000, pseudonyms=PSEUDONYMS)
FRESH = {0: PartitionState()}


def session(event_time_ms: int = 0, feed: str = "live") -> Candidate:
    return candidate(sessions.session(event_time_ms=event_time_ms, feed=feed), PSEUDONYMS)


def raw(offset: int, partition: int = 0) -> Raw:
    return Raw(partition, offset, 1_000 + offset, b"u", b"{}")


def test_an_answer_makes_an_outcome() -> None:
    raws = [raw(offset) for offset in range(4)]
    broken = Rejection(Reason.NOT_JSON, "not a JSON text")
    parsed: list[Candidate | Rejection] = [session(), broken, session(), session()]
    decision = decide(raws, parsed, [NEW_USER, TAKEN, KNOWN_USER], FRESH, RULES)
    first, refused, duplicate, last = decision.outcomes
    assert isinstance(first, Valid)
    assert first.user_kind == "new"
    assert refused == Rejected(raws[1], broken)
    assert isinstance(duplicate, Rejected)
    assert duplicate.rejection.reason is Reason.DUPLICATE
    assert isinstance(last, Valid)
    assert last.user_kind == "returning"


def test_beyond_the_horizon_states_by_which() -> None:
    decision = decide([raw(0)], [session(feed="import")], [BEYOND], FRESH, RULES)
    (outcome,) = decision.outcomes
    assert isinstance(outcome, Rejected)
    assert outcome.rejection.reason is Reason.BEYOND_HORIZON
    assert outcome.rejection.horizon_ms == RULES.horizon_ms
    assert stated_horizon_ms(None, outcome.rejection.detail) == RULES.horizon_ms


def test_the_newest_arrival_is_kept_whatever_became_of_the_message() -> None:
    refused = Rejection(Reason.NOT_JSON, "not a JSON text")
    raws = [raw(5), Raw(0, 6, 3, b"k", b"{}")]
    decision = decide(raws, [refused, refused], [], FRESH, RULES)
    assert decision.after[0].arrived_ms == 1_005


@pytest.mark.parametrize(
    ("event_time_ms", "feed", "late"), [(900, "live", False), (899, "live", True), (0, "import", False)]
)
def test_late_is_further_behind_the_watermark_than_allowed(event_time_ms: int, feed: str, late: bool) -> None:
    before = {0: PartitionState(watermark_ms=1_000)}
    decision = decide([raw(0)], [session(event_time_ms, feed)], [NEW_USER], before, RULES)
    (outcome,) = decision.outcomes
    assert isinstance(outcome, Valid)
    assert outcome.late is late
    assert decision.after[0].watermark_ms == 1_000


def test_only_valid_live_sessions_move_the_watermark_of_their_partition() -> None:
    raws = [raw(0), raw(1), raw(2), raw(7, partition=1)]
    parsed = [session(500), session(900), session(700, "import"), session(300)]
    before = {0: PartitionState(), 1: PartitionState()}
    decision = decide(raws, parsed, [NEW_USER, TAKEN, NEW_USER, NEW_USER], before, RULES)
    assert {partition: state.watermark_ms for partition, state in decision.after.items()} == {0: 500, 1: 300}


def test_an_extraction_is_due_every_so_many_valid_sessions() -> None:
    raws = [raw(offset) for offset in range(5)]
    answers = [NEW_USER, TAKEN, NEW_USER, NEW_USER, NEW_USER]
    before = {0: PartitionState(since_extraction=1)}
    decision = decide(raws, [session()] * 5, answers, before, RULES)
    assert decision.extractions_due == [ExtractionDue(0, 0, 1_000, 2), ExtractionDue(0, 3, 1_003, 2)]
    assert decision.after[0].since_extraction == 1


def test_state_survives_its_travel_in_the_metadata_of_an_offset() -> None:
    state = PartitionState(watermark_ms=123, since_extraction=4, arrived_ms=7)
    assert decode_state(encode_state(state)) == state
    assert decode_state("") == decode_state(None) == PartitionState()
    with pytest.raises(DecodeError):
        decode_state("set by hand")
