"""What is left of a rejected message, or of a dead letter, of somebody who was erased. Pure."""

from streaming.contract import topics
from streaming.contract.headers import Headers

_KEPT = frozenset(
    {
        topics.HEADER_REASON,
        topics.HEADER_RAW_PARTITION,
        topics.HEADER_RAW_OFFSET,
        topics.HEADER_ARRIVED_AT_MS,
        topics.HEADER_HORIZON_MS,
        topics.HEADER_TOPIC,
        topics.HEADER_PARTITION,
        topics.HEADER_OFFSET,
    }
)


def left_of(headers: Headers) -> Headers:
    """Returns the headers that stay: which message it was and why it was rejected, not a word of the sender.
    Key, value and detail go."""
    stay = [(name, value) for name, value in headers if name in _KEPT]
    return [*stay, (topics.HEADER_ERASED, b"1")]
