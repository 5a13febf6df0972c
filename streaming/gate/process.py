"""From raw messages to a decision: parse, ask the store of seen sessions, decide."""

from collections.abc import Mapping, Sequence

from streaming.events import horizon
from streaming.events.contract import Session
from streaming.events.parsing import parse
from streaming.events.rejection import Rejection
from streaming.gate.decide import Decision, PartitionState, Raw, Rules, decide
from streaming.ports import SeenSessions, Span


def position(partition: int, offset: int) -> int:
    """A place in the raw log as one number."""
    return partition << 48 | offset


class Batch:
    """Raw messages of one transaction, read, parsed and held against the horizon. `begins`: where each
    partition stood before."""

    def __init__(self, raws: Sequence[Raw], begins: Mapping[int, int], horizon_ms: int) -> None:
        self.raws = raws
        self.parsed: list[Session | Rejection] = []
        self.ends: dict[int, int] = {}
        """For each partition the offset after the batch."""
        self._sessions: list[Session] = []
        self._positions: list[int] = []
        self._arrived_ms: list[int] = []
        newest: dict[int, int] = {}
        for raw in raws:
            parsed = parse(raw.value, raw.arrived_at_ms)
            if not isinstance(parsed, Rejection) and horizon.is_beyond(parsed, raw.arrived_at_ms, horizon_ms):
                parsed = horizon.refusal(parsed.feed, horizon_ms)
            self.parsed.append(parsed)
            self.ends[raw.partition] = raw.offset + 1
            newest[raw.partition] = max(newest.get(raw.partition, 0), raw.arrived_at_ms)
            if not isinstance(parsed, Rejection):
                self._sessions.append(parsed)
                self._positions.append(position(raw.partition, raw.offset))
                self._arrived_ms.append(raw.arrived_at_ms)
        self.spans = {p: Span(begins[p], end, newest[p]) for p, end in self.ends.items()}

    def ask(self, seen: SeenSessions, generation: str) -> bytes:
        """What `seen` answers for the sessions; asked again, it answers the same. Raises what
        SeenSessions.claim raises."""
        return seen.claim(generation, self._sessions, self._positions, self._arrived_ms, self.spans)

    def decide(self, answers: bytes, before: Mapping[int, PartitionState], rules: Rules) -> Decision:
        """What becomes of each message, given the state of (at least) its partition."""
        states = {partition: before[partition] for partition in self.ends}
        return decide(self.raws, self.parsed, answers, states, rules)
