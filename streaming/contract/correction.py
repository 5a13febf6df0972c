"""A rejected message sent again says in its headers which one it corrects. Pure.

Its identity is the raw place of the message that was rejected first, however often a correction was rejected
in its turn, and the digest of the bytes now sent: what stands in the log with both was sent already.
"""

from hashlib import sha256

from streaming.contract import topics
from streaming.contract.headers import Headers
from streaming.contract.log_position import LogPosition, parse_log_position


def digest(value: bytes | None) -> str:
    """Of a message's bytes, in hex."""
    return sha256(value or b"").hexdigest()


def correction_headers(corrects: LogPosition, value: bytes | None) -> Headers:
    """What `value` is sent with, in place of the message rejected at `corrects`."""
    return [
        (topics.HEADER_CORRECTS, str(corrects).encode()),
        (topics.HEADER_DIGEST, digest(value).encode()),
    ]


def corrected(found: Headers | None, value: bytes | None) -> LogPosition | None:
    """Which message a raw one with the headers `found` and the bytes `value` corrects. Headers that came onto
    other bytes, or name no place, correct nothing."""
    if not found:
        return None
    told = dict(found)
    corrects, of = told.get(topics.HEADER_CORRECTS), told.get(topics.HEADER_DIGEST)
    if not isinstance(corrects, bytes) or of != digest(value).encode():
        return None
    try:
        return parse_log_position(corrects.decode(errors="replace"))
    except ValueError:
        return None
