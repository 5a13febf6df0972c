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
    """Raw messages of one transaction, read and parsed. `begins`: where each partition stood before."""

    def __init__(self, raws: Sequence[Raw], begins: Mapping[int, int]) -> None:
        self.raws = raws
        self.parsed: list[Session | Rejection] = []
        self.ends: dict[int, int] = {}
        """For each partition the offset after the batch."""
        self._sessions: list[Session] = []
        self._positions: list[int] = []
        for raw in raws:
            parsed = parse(raw.value, raw.arrived_at_ms)
            self.parsed.append(parsed)
            self.ends[raw.partition] = raw.offset + 1
            if not isinstance(parsed, Rejection):
                self._sessions.append(parsed)
                self._positions.append(position(raw.partition, raw.offset))
        self._spans = {partition: (begins[partition], end) for partition, end in self.ends.items()}

    def ask(self, seen: SeenSessions, generation: str) -> bytes:
        """What `seen` answers for the sessions; asked again, it answers the same. Raises what
        SeenSessions.claim raises."""
        return seen.claim(generation, self._sessions, self._positions, self._spans)

    def decide(self, answers: bytes, before: Mapping[int, PartitionState], rules: Rules) -> Decision:
        """What becomes of each message, given the state of (at least) its partition."""
        states = {partition: before[partition] for partition in self.ends}
        return decide(self.raws, self.parsed, answers, states, rules)
