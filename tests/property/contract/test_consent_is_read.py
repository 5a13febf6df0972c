"""Whatever the bytes are, a refusal in them is read alike by the product and by the chaos test's oracle."""

import json

from hypothesis import example, given
from hypothesis import strategies as st
from support.sessions import ENDED_AT_MS, raw_value

from lab.chaos.oracle.contract import refuses
from streaming.contract.consent import ALL_AGREED, Sources, refused_by
from streaming.contract.parsing import parse
from streaming.contract.session import Consent

consents = st.none() | st.builds(
    Consent, analytics=st.none() | st.booleans(), training=st.none() | st.booleans()
)
values = st.builds(
    lambda consent, version, feed: raw_value(consent=consent, schema_version=version, feed=feed),
    consents,
    st.sampled_from([1, 2, 9]),
    st.sampled_from(["live", "partner"]),
)
junk = st.sampled_from([b"", b"}", b"\xff", b"NaN", b"{", b'"', b"\\", b" ", b"[" * 2_000, b'{"consent":{}}'])


def by(value: bytes | None, sources: Sources = ALL_AGREED) -> str | None:
    return refused_by(parse(value, ENDED_AT_MS), value, sources)


@given(st.none() | st.binary(max_size=200), st.sampled_from([None, True, False]))
@example(b'{"feed":"\\ud83d"}', False)
@example(b'{"feed":"\\ud83d","consent":{"analytics":false}}', None)
@example(b"[" * 100_000, False)
def test_any_bytes_are_asked_without_an_error(value: bytes | None, setting: bool | None) -> None:
    found = by(value, Sources({"live": Consent(analytics=setting)}))
    assert found in (None, "source", "session")
    assert found is None or setting is False or b"analytics" in (value or b"")


answers = st.sampled_from(
    [b"false", b"true", b"null", b'"no"', b"0", b"1", b"[]", b'{"analytics":"no"}', b"fals"]
)


@given(answers, answers, st.integers(0, 60), junk)
def test_the_oracle_reads_the_same_answers_of_any_type(
    consent: bytes, analytics: bytes, cut: int, after: bytes
) -> None:
    for said in (consent, b'{"training":true, "analytics": %s}' % analytics):
        sent = b'{"consent": %s, "feed":"live"}' % said
        whole = sent[: len(sent) - cut] + after
        assert (by(whole) == "session") == refuses(whole), whole


@given(values, junk, st.floats(0, 1), junk)
def test_the_oracle_reads_the_same_refusals(value: bytes, before: bytes, cut: float, after: bytes) -> None:
    version_1 = json.loads(value)["schemaVersion"] == 1
    sent = before + value[: round(len(value) * cut)] + after
    try:
        json.loads(sent.decode(errors="replace"))
    except (ValueError, RecursionError):
        if version_1:
            return  # whose version is read nowhere: both may drop it
    assert (by(sent) == "session") == refuses(sent)
