"""From raw messages to a decision: parse, ask the store of seen sessions, decide."""

from collections.abc import Mapping, Sequence

from streaming.contract import horizon
from streaming.contract.log_position import packed
from streaming.contract.parsing import parse
from streaming.contract.rejection import Rejection
from streaming.dedup.port import BatchSpan, DedupStore
from streaming.gate.candidate import Candidate, candidate
from streaming.gate.decide import Decision, PartitionState, Raw, Rules, decide


class Batch:
    """Raw messages of one transaction, read, parsed and held against the horizon. `begins`: where each
    partition stood before."""

    def __init__(self, raws: Sequence[Raw], begins: Mapping[int, int], horizon_ms: int) -> None:
        self.raws = raws
        self.parsed: list[Candidate | Rejection] = []
        self.ends: dict[int, int] = {}
        """For each partition the offset after the batch."""
        self._sessions: list[Candidate] = []
        self._positions: list[int] = []
        self._arrived_ms: list[int] = []
        newest: dict[int, int] = {}
        for raw in raws:
            session = parse(raw.value, raw.arrived_at_ms)
            if isinstance(session, Rejection):
                self.parsed.append(session)
            elif horizon.is_beyond(session, raw.arrived_at_ms, horizon_ms):
                self.parsed.append(horizon.refusal(session.feed, horizon_ms))
            else:
                kept = candidate(session)
                self.parsed.append(kept)
                self._sessions.append(kept)
                self._positions.append(packed(raw.partition, raw.offset))
                self._arrived_ms.append(raw.arrived_at_ms)
            self.ends[raw.partition] = raw.offset + 1
            newest[raw.partition] = max(newest.get(raw.partition, 0), raw.arrived_at_ms)
        self.spans = {p: BatchSpan(begins[p], end, newest[p]) for p, end in self.ends.items()}

    def ask(self, seen: DedupStore, generation: str) -> bytes:
        """What `seen` answers for the sessions; asked again, it answers the same. Raises what
        DedupStore.claim raises."""
        return seen.claim(generation, self._sessions, self._positions, self._arrived_ms, self.spans)

    def decide(self, answers: bytes, before: Mapping[int, PartitionState], rules: Rules) -> Decision:
        """What becomes of each message, given the state of (at least) its partition."""
        states = {partition: before[partition] for partition in self.ends}
        return decide(self.raws, self.parsed, answers, states, rules)
