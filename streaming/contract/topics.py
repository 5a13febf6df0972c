"""The topics in the order of the data, and the names of headers. Pure."""

from msgspec import Struct

from streaming.contract.session import MAX_MESSAGE_BYTES
from streaming.contract.time_units import HOUR_MS

RAW = "user_session_info"
VALID = "valid_customer_session"
REJECTED = "rejected_user_session"
EXTRACTION_DUE = "extraction_due"
# Written by Flink; the stage index writes each topic into the Elasticsearch index of the same name.
SESSION_SUMMARIES = "session_summaries"
PRODUCT_ACTIVITY = "product_activity"
PRODUCT_SENTIMENT = "product_sentiment"
INDEXED = (SESSION_SUMMARIES, PRODUCT_ACTIVITY, PRODUCT_SENTIMENT)
# Dead letters: documents that a store can never store; empty unless something is wrong.
REFUSED_DOCUMENTS = "refused_documents"

RAW_MAX_BYTES = 2 * MAX_MESSAGE_BYTES
SEGMENT_MS = 6 * HOUR_MS

# Headers of a rejected message. Its key and value are the original bytes; without consent it has no value,
# and the raw partition as key.
HEADER_REASON = "reason"
HEADER_DETAIL = "detail"
HEADER_RAW_PARTITION = "raw_partition"
HEADER_RAW_OFFSET = "raw_offset"
HEADER_ARRIVED_AT_MS = "arrived_at_ms"
HEADER_HORIZON_MS = "horizon_ms"
"""Only for the reason beyond_horizon: the horizon that was applied, because the setting may change later."""
HEADER_REFUSED_BY = "refused_by"
"""Only for the reason no_consent: who has refused, because the setting may change later."""

HEADER_ERASED = "erased"
"""The sender's bytes, key and the detail are gone: their user was erased. Of dead letters too."""
HEADER_SETTLED = "settled"
"""What had become of the message (a State of replay/history.py) when the raw messages by which that is known
were deleted; without it, nothing had."""

# Headers of a raw message that corrects a rejected one (correction.py).
HEADER_CORRECTS = "corrects"
HEADER_DIGEST = "sha256"

# Headers of a dead letter, besides reason and detail: the position of the record it comes from.
HEADER_TOPIC = "topic"
HEADER_PARTITION = "partition"
HEADER_OFFSET = "offset"


class Topic(Struct, frozen=True):
    """The name and configuration of a topic."""

    name: str
    partitions: int
    config: dict[str, str]


def declared(partitions: int, retention_ms: int) -> tuple[Topic, ...]:
    """Returns all topics with `partitions` each. The broker sets the timestamps (append time) of some:
    - the raw topic: arrival is then stored in the log, so everything that depends on it (future times,
      the horizon) has the same result when the log is read again;
    - the valid topic: its timestamps are not older than the arrivals in its sessions, by which a rebuild
      finds where to begin;
    - the documents: their timestamps order the versions of one id, even if the topic was deleted and created
      again."""
    # A segment is deleted from disk once it is closed: so that this comes soon after its last record is due.
    kept = {"retention.ms": str(retention_ms), "segment.ms": str(SEGMENT_MS)}
    roomy = {**kept, "max.message.bytes": str(2 * RAW_MAX_BYTES)}
    stamped = {"message.timestamp.type": "LogAppendTime"}
    raw = {**kept, **stamped, "max.message.bytes": str(RAW_MAX_BYTES)}
    return (
        Topic(RAW, partitions, raw),
        Topic(VALID, partitions, roomy | stamped),
        Topic(REJECTED, partitions, roomy),
        Topic(EXTRACTION_DUE, 1, kept),
        *(Topic(name, partitions, roomy | stamped) for name in INDEXED),
        Topic(REFUSED_DOCUMENTS, 1, roomy),
    )
