"""What the log has kept of rejected messages counts when the raw messages, which showed it, are gone."""

from streaming.contract import topics
from streaming.contract.log_position import LogPosition
from streaming.replay.history import Attempt, History, Rejected, counts
from streaming.replay.lines import Line
from streaming.replay.log import kept_state
from streaming.replay.plan import plan

AT = [LogPosition(0, at) for at in range(4)]
KEPT = {AT[0]: "erased", AT[1]: "corrected", AT[2]: "sent again"}


def history() -> History:
    found = History([Attempt(LogPosition(0, 9), AT[3], "digest")], {0: 5})
    for at in AT:
        headers = {topics.HEADER_SETTLED: KEPT[at]} if at in KEPT else {}
        if KEPT.get(at) == "erased":
            headers = {topics.HEADER_ERASED: "1"}
        found.add_rejection(at, "not_json", kept_state(headers))
    return found


def test_states() -> None:
    assert [history().state(at) for at in AT] == ["erased", "corrected", "sent again", "waiting"]
    rejected = [Rejected(at, "not_json", "", 0, None, None) for at in AT]
    assert counts(rejected, history(), {"not_json"}) == {
        state: {"not_json": 1} for state in ("corrected", "erased", "sent again", "waiting")
    }
    assert kept_state({topics.HEADER_SETTLED: "open"}) is None


def test_whoever_was_erased_does_not_come_back_from_a_file() -> None:
    found = plan([Line(at, None, b"bytes") for at in AT], set(AT), history())
    assert found.erased == 1
    assert found.already_corrected == 1
    assert AT[0] not in {line.position for line in found.send}
