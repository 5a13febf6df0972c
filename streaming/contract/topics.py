"""The topics in the order of the data, and the header names that travel on them."""

from msgspec import Struct

from streaming.contract.session import MAX_MESSAGE_BYTES

RAW = "user_session_info"
VALID = "valid_customer_session"
REJECTED = "rejected_user_session"
EXTRACTION_DUE = "extraction_due"
# What Flink writes; the indexer carries each topic into the Elasticsearch index of the same name.
SESSION_SUMMARIES = "session_summaries"
PRODUCT_ACTIVITY = "product_activity"
PRODUCT_SENTIMENT = "product_sentiment"
INDEXED = (SESSION_SUMMARIES, PRODUCT_ACTIVITY, PRODUCT_SENTIMENT)
# Documents that Elasticsearch will never take, as they came; empty unless something is wrong.
REFUSED_DOCUMENTS = "refused_documents"

RAW_MAX_BYTES = 2 * MAX_MESSAGE_BYTES

# Headers of a rejected message; its key and value are the original bytes.
HEADER_REASON = "reason"
HEADER_DETAIL = "detail"
HEADER_RAW_PARTITION = "raw_partition"
HEADER_RAW_OFFSET = "raw_offset"
HEADER_ARRIVED_AT_MS = "arrived_at_ms"
HEADER_HORIZON_MS = "horizon_ms"
"""Of those beyond the horizon alone: by which they were judged, for the setting may be another one by now."""

# Headers of a raw message that is sent again in place of a rejected one (correction.py).
HEADER_CORRECTS = "corrects"
HEADER_DIGEST = "sha256"

# Headers of a refused document, beside reason and detail: where it stands among what Flink wrote.
HEADER_TOPIC = "topic"
HEADER_PARTITION = "partition"
HEADER_OFFSET = "offset"


class Topic(Struct, frozen=True):
    """A topic as it must be before anything is sent to it."""

    name: str
    partitions: int
    config: dict[str, str]


def declared(partitions: int, retention_ms: int) -> tuple[Topic, ...]:
    """All topics with `partitions` each. The raw one is stamped by the broker: arrival is a fact of the log,
    so what is judged by it (far future, lateness, horizon) is judged alike on every replay. So is the valid
    one: its stamps are no older than the arrivals it tells of, which is how a rebuild finds where to begin.
    So are the documents: their stamps order the versions of one id, even across a topic that was made
    anew."""
    kept = {"retention.ms": str(retention_ms)}
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
