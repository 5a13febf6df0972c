"""However often files are replayed, interrupted and replayed again, the gate accepts each message at most
once, and no bytes are sent twice."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from streaming.contract.correction import digest
from streaming.contract.log_position import LogPosition
from streaming.replay.history import Attempt, History
from streaming.replay.lines import Line
from streaming.replay.plan import Ambiguous, plan

ROOTS = [LogPosition(0, n) for n in range(4)]
files = st.lists(
    st.builds(Line, st.sampled_from(ROOTS), st.none(), st.sampled_from([b"bad", b"good", b"better"])),
    max_size=6,
)


class Log:
    """A raw topic after the rejected roots, and a gate that accepts everything except `bad`."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.bytes: dict[LogPosition, bytes] = {}

    def history(self) -> History:
        end = len(ROOTS) + len(self.attempts)
        history = History(self.attempts, {0: end})
        for position in ROOTS:
            history.add_rejection(position, "not_json")
        for position, value in self.bytes.items():
            if value == b"bad":
                history.add_rejection(position, "not_json")
        return history

    def send(self, line: Line) -> None:
        position = LogPosition(0, len(ROOTS) + len(self.attempts))
        self.bytes[position] = line.value
        self.attempts.append(Attempt(position, line.position, digest(line.value)))


@given(st.lists(st.tuples(files, st.integers(0, 6)), max_size=6))
def test_any_replays_interrupted_anywhere(replays: list[tuple[list[Line], int]]) -> None:
    log = Log()
    for lines, reach in replays:
        try:
            planned = plan(lines, set(ROOTS), log.history())
        except Ambiguous:
            assert any(len({line.value for line in lines if line.position == root}) > 1 for root in ROOTS)
            continue
        for line in planned.send[:reach]:
            log.send(line)
        if reach >= len(planned.send):
            assert plan(lines, set(ROOTS), log.history()).send == []
    sent = Counter((attempt.corrects, attempt.digest) for attempt in log.attempts)
    assert all(times == 1 for times in sent.values())
    let_through = Counter(a.corrects for a in log.attempts if log.bytes[a.position] != b"bad")
    assert all(times == 1 for times in let_through.values())
    history = log.history()
    for root in ROOTS:
        assert history.state(root) == ("corrected" if root in let_through else "open")


def test_a_correction_of_an_attempt_corrects_its_root() -> None:
    log = Log()
    log.send(Line(ROOTS[0], None, b"bad"))
    attempt = log.attempts[0].position
    [sent] = plan([Line(attempt, None, b"good")], set(ROOTS), log.history()).send
    assert sent.position == ROOTS[0]
    assert plan([Line(attempt, None, b"bad")], set(ROOTS), log.history()).already_sent == 1
    assert plan([Line(LogPosition(7, 7), None, b"good")], set(ROOTS), log.history()).not_rejected == 1
