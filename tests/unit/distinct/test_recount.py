"""What cannot be counted is named, with what helps."""

from unittest.mock import Mock

import pytest

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
