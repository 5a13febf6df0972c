"""The part of a session that the gate keeps until its batch is written. Pure."""

from msgspec import Struct

from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.session import Session
from streaming.contract.valid_session import encoder


class Candidate(Struct, frozen=True, gc=False):
    """The fields by which a session is decided, and the whole session as canonical bytes. It is encoded right
    after it is parsed, while it is in the processor's caches: by the time its batch is written, the many
    objects of each session would have left them."""

    session_pseudonym: str
    event_time_ms: int
    feed: str
    user_pseudonym: str
    device_type: str
    referrer: str
    country: str
    encoded: bytes


def candidate(session: Session, pseudonyms: Pseudonyms) -> Candidate:
    """Makes a candidate of `session`."""
    of_user, of_session = pseudonyms.both(session.user_id, session.session_id)
    return Candidate(
        of_session,
        session.event_time_ms,
        session.feed,
        of_user,
        session.device_type,
        session.referrer,
        session.country,
        encoder.encode(session),
    )
