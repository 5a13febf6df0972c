"""For any settings: every session once, in order, and each valid one within the contract."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.contract.parsing import parse
from streaming.contract.session import Session
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic

RATE = st.floats(0, 0.25)


@settings(max_examples=40)
@given(
    st.builds(
        TrafficSettings,
        sessions=st.integers(0, 300),
        seed=st.integers(0, 2**63),
        users=st.integers(1, 50),
        start_ms=st.integers(946_706_400_000, 4 * 10**12),
        span_s=st.floats(0.001, 10**7),
        steady=st.booleans(),
        unknown_device_rate=RATE,
        unknown_referrer_rate=RATE,
        late_rate=RATE,
        broken_rate=RATE,
        no_consent_rate=RATE,
        duplicate_rate=st.floats(0, 1),
    )
)
def test_any_settings_give_correct_traffic(chosen: TrafficSettings) -> None:
    sent = list(traffic(chosen))
    end_ms = chosen.start_ms + round(chosen.span_s * 1000)
    assert [m.due_ms for m in sent] == sorted(m.due_ms for m in sent)
    assert all(chosen.start_ms <= m.due_ms <= end_ms for m in sent)
    originals = Counter(m.value for m in sent if m.kind != "duplicate")
    assert originals.total() == chosen.sessions
    assert {m.value for m in sent if m.kind == "duplicate"} <= set(originals)
    for message in sent:
        if message.kind in ("valid", "late", "no_consent", "duplicate"):
            assert isinstance(parse(message.value, end_ms), Session), message
