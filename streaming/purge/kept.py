"""What stays of the log when a feed is purged. Pure."""

from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.valid_session import try_decode
from streaming.rewriting.change import Change, Left, Logged, Place


def without(feed: str, pseudonyms: Pseudonyms) -> Change:
    """Returns the change of `valid_customer_session` that leaves the sessions of other feeds. What is no
    session goes; the store has it among the dead letters."""

    def change(record: Logged) -> Left | None:
        session = try_decode(record.value, pseudonyms)
        if session is None or session.feed == feed:
            return None
        return Left(Place(session.raw_partition, session.raw_offset), record)

    return change
