"""The headers of a rejected message that is sent again: they name the message that it corrects. Pure.

A correction is identified by the raw position of the message that was rejected first, even if earlier
corrections were rejected too, and by the digest of its bytes: if the log contains both, it was already sent.
"""

from hashlib import sha256

from streaming.contract import topics
from streaming.contract.headers import Headers
from streaming.contract.log_position import LogPosition, parse_log_position


def digest(value: bytes | None) -> str:
    """Returns the digest of a message's bytes, in hex."""
    return sha256(value or b"").hexdigest()


def correction_headers(corrects: LogPosition, value: bytes | None) -> Headers:
    """Returns the headers for `value`, sent as a correction of the message rejected at `corrects`."""
    return [
        (topics.HEADER_CORRECTS, str(corrects).encode()),
        (topics.HEADER_DIGEST, digest(value).encode()),
    ]


def corrected(found: Headers | None, value: bytes | None) -> LogPosition | None:
    """Returns the position of the message that a raw message with the headers `found` and the bytes `value`
    corrects. Returns None if the headers belong to other bytes, or name no position."""
    if not found:
        return None
    headers = dict(found)
    corrects, of = headers.get(topics.HEADER_CORRECTS), headers.get(topics.HEADER_DIGEST)
    if not isinstance(corrects, bytes) or of != digest(value).encode():
        return None
    try:
        return parse_log_position(corrects.decode(errors="replace"))
    except ValueError:
        return None
