"""The messages of the chaos test: their number, repetitions, broken ones, and the same ones for the same
seed."""

import json
from collections import Counter

from lab.chaos.generator import events
from lab.chaos.oracle.contract import expected

END_MS = 1_790_000_000_000
SENT = list(events(12_000, 5, END_MS, 2))


def test_the_requested_number_of_events_and_the_same_again() -> None:
    assert len(SENT) == 12_000
    assert list(events(12_000, 5, END_MS, 2)) == SENT


def test_one_in_twenty_repeats_a_session_as_it_was_elsewhere_or_with_other_content() -> None:
    told = [json.loads(e.value) for e in SENT if e.value and not expected(e.value, END_MS)[1]]
    copies = Counter(session["sessionId"] for session in told)
    repeated = sum(count - 1 for count in copies.values())
    assert 0.04 < repeated / len(SENT) < 0.06
    contents = {json.dumps(session, sort_keys=True) for session in told}
    assert len(copies) < len(contents) < len(told)
    assert any(event.partition is not None and event.key is None for event in SENT)


def test_one_in_fifty_is_broken() -> None:
    reasons = Counter(reason for e in SENT for reason in expected(e.value, END_MS)[1])
    others = ("unknown_device", "unknown_referrer", "no_consent")
    broken = reasons.total() - sum(reasons[name] for name in others)
    assert 0.015 < broken / len(SENT) < 0.03
    assert {
        "not_json",
        "not_utf8",
        "too_deep",
        "missing_field",
        "negative",
        "future_time",
        "unprintable",
    } <= reasons.keys()
