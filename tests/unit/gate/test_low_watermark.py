"""Until when the log is decided, by its own clock."""

from streaming.gate.low_watermark import low_watermark_ms


def test_a_partition_that_lags_holds_it_back_and_an_idle_one_does_not() -> None:
    arrived_ms = {0: 900, 1: 100}
    assert low_watermark_ms({0: 9, 1: 5}, arrived_ms, {0: 9, 1: 6}) == 100
    assert low_watermark_ms({0: 9, 1: 5}, arrived_ms, {0: 9, 1: 5}) == 900
    assert low_watermark_ms({0: 9, 1: 5}, arrived_ms, {0: 12, 1: 5, 2: 0}) == 900


def test_nothing_is_settled_where_nothing_is_committed() -> None:
    assert low_watermark_ms({0: 9}, {0: 900}, {0: 9, 1: 1}) == 0
    assert low_watermark_ms({}, {}, {0: 0, 1: 0}) == 0
