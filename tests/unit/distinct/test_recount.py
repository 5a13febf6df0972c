"""What cannot be counted is named, with what helps."""

from unittest.mock import Mock

import msgspec
import pytest

from streaming.contract.erased_session import ErasedSession, name
from streaming.distinct.recount import recount
from streaming.gate.settings import GateSettings
from streaming.process.exit_code import InvalidRequest
from streaming.words.lists import Words


@pytest.mark.parametrize("left", [{"sessionId": "s"}, {"_id": "s", "sessionId": 1, "name": "of no stage"}])
def test_a_session_that_migrate_leaves_is_named_by_reconcile(left: dict[str, object]) -> None:
    """Else whoever runs ./vitrine migrate, as they are told, is told so for ever."""
    counters = Mock()
    with pytest.raises(InvalidRequest, match=r"\./vitrine migrate, .* \./vitrine reconcile names them"):
        recount([left], counters, GateSettings().kept, Words())
    assert not counters.mock_calls


def test_what_is_left_of_an_erased_session_is_passed_over() -> None:
    left = ErasedSession(
        erased=1, session_pseudonym=name(0, 1, 2), raw_partition=0, raw_offset=1, arrived_at_ms=2,
        event_time_ms=1_700_000_000_000, feed="live", late=False, amounts=[],
    )  # fmt: skip
    counters = Mock()
    assert recount([msgspec.to_builtins(left)], counters, GateSettings().kept, Words()) == 0
    counters.declare_whole.assert_called_once_with(0)
