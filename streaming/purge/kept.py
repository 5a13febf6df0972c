"""What stays of the log when a feed is purged. Pure."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from streaming.contract.log_position import packed
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.valid_session import try_decode


class Logged(Struct, frozen=True):
    """A record of `valid_customer_session`."""

    partition: int
    key: bytes | None
    value: bytes | None


def kept(records: Iterable[Logged], feed: str, pseudonyms: Pseudonyms) -> Iterator[Logged]:
    """Yields the sessions of other feeds, in their order, each once: a purge that was killed may have written
    some of them already. What is no session is left out; the store has it among the dead letters."""
    seen: set[int] = set()
    for record in records:
        session = try_decode(record.value, pseudonyms)
        if session is None or session.feed == feed:
            continue
        position = packed(session.raw_partition, session.raw_offset)
        if position not in seen:
            seen.add(position)
            yield record
