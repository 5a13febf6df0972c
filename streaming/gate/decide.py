"""Decides the outcome of each raw message. Pure: equal input, equal decision."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, json

from streaming.contract import feeds, horizon
from streaming.contract.consent import ALL_AGREED, Sources
from streaming.contract.feeds import LIVE_ONLY, Feeds
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import LIVE_FEED
from streaming.contract.valid_session import UserKind
from streaming.dedup.port import ClaimAnswer
from streaming.gate.candidate import Candidate

# Looked up once, not for each session.
_TAKEN, _BEYOND, _NEW_USER = ClaimAnswer.TAKEN, ClaimAnswer.BEYOND, ClaimAnswer.NEW_USER
_TOO_MANY_IMPORTS = ClaimAnswer.TOO_MANY_IMPORTS
_DUPLICATE = Rejection(Reason.DUPLICATE, "userId and sessionId")


class Raw(Struct, frozen=True, gc=False):
    """One raw message."""

    partition: int
    offset: int
    arrived_at_ms: int
    key: bytes | None
    value: bytes | None


class PartitionState(Struct, frozen=True, rename="camel"):
    """What the gate remembers of a raw partition, kept in the metadata of its committed offset."""

    watermark_ms: int = 0
    """Newest event time of a valid live session so far."""
    since_extraction: int = 0
    """Valid sessions since an extraction was last due."""
    arrived_ms: int = 0
    """Newest arrival so far."""


class Rules(Struct, frozen=True):
    """The settings on which decisions depend."""

    allowed_lateness_ms: int
    extraction_every: int
    horizon_ms: int
    pseudonyms: Pseudonyms
    """By which users and sessions are known."""
    feeds: Feeds = LIVE_ONLY
    """The feeds that are accepted."""
    sources: Sources = ALL_AGREED
    """What users have agreed to whose session does not say."""


class Valid(Struct, frozen=True):
    """Goes to `valid_customer_session`."""

    raw: Raw
    session: Candidate
    user_kind: UserKind
    late: bool


class Rejected(Struct, frozen=True):
    """Goes to `rejected_user_session` with its original bytes, if it has consent."""

    raw: Raw
    rejection: Rejection


Outcome = Valid | Rejected


class ExtractionDue(Struct, frozen=True, rename="camel"):
    """Goes to `extraction_due`: with this raw message, enough sessions have come since the last one."""

    raw_partition: int
    raw_offset: int
    arrived_at_ms: int
    sessions: int


class Decision(Struct, frozen=True):
    """One outcome for each raw message, in their order, and the state of each partition after them."""

    outcomes: list[Outcome]
    pseudonym_key: str
    """The id of the key of all pseudonyms in them."""
    extractions_due: list[ExtractionDue]
    after: dict[int, PartitionState]


def decide(
    raws: Sequence[Raw],
    parsed: Sequence[Candidate | Rejection],
    answers: Sequence[ClaimAnswer],
    before: Mapping[int, PartitionState],
    rules: Rules,
) -> Decision:
    """Returns the decision on `raws`. `parsed` has one element for each of them, `answers` one for each
    Candidate in `parsed`, in order; `before` has the state of each of their partitions."""
    outcomes: list[Outcome] = []
    due: list[ExtractionDue] = []
    watermarks = {partition: state.watermark_ms for partition, state in before.items()}
    counts = {partition: state.since_extraction for partition, state in before.items()}
    arrived = {partition: state.arrived_ms for partition, state in before.items()}
    answer_of = iter(answers)
    for raw, session in zip(raws, parsed, strict=True):
        if raw.arrived_at_ms > arrived[raw.partition]:
            arrived[raw.partition] = raw.arrived_at_ms
        if isinstance(session, Rejection):
            outcomes.append(Rejected(raw, session))
            continue
        answer = next(answer_of)
        if answer is _TAKEN:
            outcomes.append(Rejected(raw, _DUPLICATE))
            continue
        if answer is _BEYOND:
            outcomes.append(Rejected(raw, horizon.refusal(session.feed, rules.horizon_ms)))
            continue
        if answer is _TOO_MANY_IMPORTS:
            outcomes.append(Rejected(raw, feeds.TOO_MANY))
            continue
        partition = raw.partition
        late = False
        if session.feed == LIVE_FEED:
            watermark = watermarks[partition]
            if session.event_time_ms > watermark:
                watermarks[partition] = session.event_time_ms
            else:
                late = session.event_time_ms < watermark - rules.allowed_lateness_ms
        outcomes.append(Valid(raw, session, "new" if answer is _NEW_USER else "returning", late))
        counts[partition] += 1
        if counts[partition] >= rules.extraction_every:
            due.append(ExtractionDue(partition, raw.offset, raw.arrived_at_ms, counts[partition]))
            counts[partition] = 0
    after = {
        partition: PartitionState(watermarks[partition], counts[partition], arrived[partition])
        for partition in before
    }
    return Decision(outcomes, rules.pseudonyms.key_id, due, after)


def encode_state(state: PartitionState) -> str:
    """Encodes a state as metadata of a committed offset."""
    return json.encode(state).decode()


def decode_state(metadata: str | None) -> PartitionState:
    """Decodes a state; an empty one where no gate has committed yet. Raises msgspec.DecodeError on metadata
    that no gate wrote: any further decision would be a guess."""
    return json.decode(metadata, type=PartitionState) if metadata else PartitionState()
