"""What a batch keeps of a session. Pure."""

from msgspec import Struct

from streaming.contract.session import Session
from streaming.contract.valid_session import encoder


class Candidate(Struct, frozen=True, gc=False):
    """A session that asks to be let through: what it is told by, and the whole as its canonical bytes.
    Encoded right after it is read it is still in the processor's caches, which the dozens of objects of each
    session of a batch would have left by the time the batch is written."""

    session_id: str
    event_time_ms: int
    feed: str
    user_id: str
    device_type: str
    referrer: str
    country: str
    encoded: bytes


def candidate(session: Session) -> Candidate:
    """All that the gate still needs of `session`."""
    return Candidate(
        session.session_id,
        session.event_time_ms,
        session.feed,
        session.user_id,
        session.device_type,
        session.referrer,
        session.country,
        encoder.encode(session),
    )
