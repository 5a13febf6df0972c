"""A horizon that cannot be held is refused in words."""

from streaming.gate.settings import GateSettings, exceeds_retention


def test_a_horizon_is_no_longer_than_what_the_topics_keep() -> None:
    assert exceeds_retention(10, {"raw": 10, "valid": None}) is None
    told = exceeds_retention(11, {"raw": None, "valid": 10})
    assert told is not None
    assert "VITRINE_GATE_HORIZON_MS=11" in told
    assert "valid" in told
    assert "retention.ms=10" in told


def test_the_default_horizon_leaves_the_gate_time_to_be_behind() -> None:
    from streaming.settings import KafkaSettings

    assert GateSettings().horizon_ms < KafkaSettings().retention_ms
