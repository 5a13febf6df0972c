"""From raw messages to a decision: parse, claim in the dedup store, decide."""

from collections.abc import Mapping, Sequence

from streaming.contract import feeds, horizon
from streaming.contract.consent import REFUSALS, refused_by
from streaming.contract.parsing import parse
from streaming.contract.rejection import Rejection
from streaming.contract.session import LIVE_FEED
from streaming.dedup.port import (
    BatchSpan,
    ClaimAnswer,
    ClaimRequest,
    DedupStore,
    Generation,
    RawPosition,
    raw_position,
)
from streaming.gate.candidate import Candidate, candidate
from streaming.gate.decide import Decision, PartitionState, Raw, Rules, decide


class Batch:
    """The raw messages of one transaction, parsed and compared with consent, the horizon and the
    feeds. `begins`: by
    partition, the offset at which reading was before."""

    def __init__(
        self,
        raws: Sequence[Raw],
        begins: Mapping[int, int],
        rules: Rules,
    ) -> None:
        self.raws = raws
        self.parsed: list[Candidate | Rejection] = []
        self.ends: dict[int, int] = {}
        """By partition, the offset after the batch."""
        self._sessions: list[Candidate] = []
        self._positions: list[RawPosition] = []
        self._arrived_ms: list[int] = []
        newest: dict[int, int] = {}
        accepted, horizon_ms, pseudonyms = rules.feeds, rules.horizon_ms, rules.pseudonyms
        sources = rules.sources
        for raw in raws:
            session = parse(raw.value, raw.arrived_at_ms)
            if (who := refused_by(session, raw.value, sources)) is not None:
                self.parsed.append(REFUSALS[who])
            elif isinstance(session, Rejection):
                self.parsed.append(session)
            elif session.feed != LIVE_FEED and not accepted.accept(session.feed):
                self.parsed.append(feeds.UNKNOWN)
            elif horizon.is_beyond(session, raw.arrived_at_ms, horizon_ms):
                self.parsed.append(horizon.refusal(session.feed, horizon_ms))
            else:
                kept = candidate(session, pseudonyms)
                self.parsed.append(kept)
                self._sessions.append(kept)
                self._positions.append(raw_position(raw.partition, raw.offset))
                self._arrived_ms.append(raw.arrived_at_ms)
            self.ends[raw.partition] = raw.offset + 1
            newest[raw.partition] = max(newest.get(raw.partition, 0), raw.arrived_at_ms)
        self.spans = {p: BatchSpan(begins[p], end, newest[p]) for p, end in self.ends.items()}

    def claim(self, store: DedupStore, generation: Generation) -> Sequence[ClaimAnswer]:
        """Claims the sessions in `store` and returns its answers; repeated, the same. Raises what
        DedupStore.claim raises."""
        return store.claim(
            ClaimRequest(generation, self._sessions, self._positions, self._arrived_ms, self.spans)
        )

    def decide(
        self, answers: Sequence[ClaimAnswer], before: Mapping[int, PartitionState], rules: Rules
    ) -> Decision:
        """Returns the decision on the messages. `before` has the state of (at least) their partitions."""
        states = {partition: before[partition] for partition in self.ends}
        return decide(self.raws, self.parsed, answers, states, rules)
