"""From raw messages to a decision: parse, ask the store of seen sessions, decide."""

from collections.abc import Mapping, Sequence

from streaming.events.contract import Session
from streaming.events.parsing import parse
from streaming.events.rejection import Rejection
from streaming.gate.decide import Decision, PartitionState, Raw, Rules, decide
from streaming.ports import SeenSessions


def position(partition: int, offset: int) -> int:
    """A place in the raw log as one number."""
    return partition << 48 | offset


class Batch:
    """Raw messages of one transaction, read and parsed; asking for its verdicts may be repeated."""

    def __init__(self, raws: Sequence[Raw]) -> None:
        self.raws = raws
        self.parsed: list[Session | Rejection] = [parse(raw.value, raw.arrived_at_ms) for raw in raws]

    def decide(
        self,
        seen: SeenSessions,
        generation: str,
        spans: Mapping[int, tuple[int, int]],
        before: Mapping[int, PartitionState],
        rules: Rules,
    ) -> Decision:
        """`spans`: for each partition here, the committed offset and the one after the batch. Raises what
        SeenSessions.claim raises."""
        sessions: list[Session] = []
        positions: list[int] = []
        for raw, parsed in zip(self.raws, self.parsed, strict=True):
            if not isinstance(parsed, Rejection):
                sessions.append(parsed)
                positions.append(position(raw.partition, raw.offset))
        answers = seen.claim(generation, sessions, positions, spans)
        return decide(self.raws, self.parsed, answers, before, rules)
