"""Ids, name, e-mail address and zip code go to the store, and nowhere else, whatever they are."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import KEY, PSEUDONYMS, raw_value

from ml.features.session_row import session_row
from streaming.contract.horizon import Horizon
from streaming.contract.session import Review
from streaming.contract.valid_session import decode, decode_stored
from streaming.dedup.counters import Kept
from streaming.dedup.port import ClaimAnswer, ClaimRequest, Generation, RawPosition
from streaming.dedup.redis.claim_records import pack
from streaming.gate.candidate import Candidate
from streaming.gate.decide import PartitionState, Raw, Rules, decide
from streaming.gate.process import Batch
from streaming.gate.records import OutputRecord, records
from streaming.sinks.mongo.documents import document
from streaming.summaries.batch import reduce
from streaming.summaries.documents import documents
from streaming.summaries.key_limit import USUAL
from streaming.words.lists import Words

NOW_MS = 946_684_800_000 + 6 * 3_600_000
RULES = Rules(0, 1, 3_600_000_000, PSEUDONYMS)
WORDS = Words()
MARKS = ("zZsEsSiOnZz", "zZuSeRzZ", "zZnAmEzZ", "zZmAiLzZ", "zZzIpZz")
BESIDE = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=20)
REVIEW = Review(product_id="p", rating=5, text="fine", sentiment="positive")


@st.composite
def identities(draw: st.DrawFn) -> dict[str, str]:
    """With a mark in each field, beside anything else that may be there."""
    names = ("session_id", "user_id", "name", "email", "zip_code")
    return {name: f"{draw(BESIDE)}{mark}{draw(BESIDE)}" for name, mark in zip(names, MARKS, strict=True)}


def passed_on(who: dict[str, str]) -> tuple[OutputRecord, Candidate]:
    raw = Raw(0, 1, NOW_MS, who["user_id"].encode(), raw_value(**who, reviews=[REVIEW]))
    batch = Batch([raw], {0: 0}, RULES)
    [candidate] = batch.parsed
    assert isinstance(candidate, Candidate)
    decision = decide([raw], batch.parsed, [ClaimAnswer.NEW_USER], {0: PartitionState()}, RULES)
    return next(records(decision)), candidate


def found_in(seen: object) -> list[str]:
    text = seen.decode(errors="replace") if isinstance(seen, bytes) else repr(seen)
    return [mark for mark in MARKS if mark.lower() in text.lower()]


@given(identities())
def test_only_the_store_gets_an_identity(who: dict[str, str]) -> None:
    record, candidate = passed_on(who)
    value = record.value or b""
    message: dict[str, Any] = json.loads(value)
    identity = message.pop("identity")
    assert not found_in(record.key)
    assert not found_in(json.dumps(message, ensure_ascii=False))
    assert identity.keys() == {"sessionId", "userId", "name", "email", "zipCode"}
    assert document(value, PSEUDONYMS)["identity"]["userId"] == who["user_id"]
    read = decode(value, PSEUDONYMS)
    assert not found_in(msgspec.json.encode(read))
    assert not found_in([msgspec.json.encode(one) for *_, one in documents(read, WORDS)])
    assert not found_in([id_ for _, id_, _ in documents(read, WORDS)])
    assert not found_in(reduce([value], True, USUAL, WORDS, PSEUDONYMS))
    stored = msgspec.to_builtins(decode_stored(value, PSEUDONYMS))
    assert not found_in(session_row(stored))
    request = ClaimRequest(Generation("g"), [candidate], [RawPosition(1)], [NOW_MS])
    assert not found_in(tuple(pack(request, Horizon(3_600_000_000, 4), Kept(0, 0), WORDS)))


@given(identities())
def test_nobody_gets_the_key(who: dict[str, str]) -> None:
    record, _ = passed_on(who)
    assert KEY.encode() not in (record.value or b"")
