"""Finds the sessions of discrepancies by reading the valid sessions again: discrepancies are too rare to keep
all ids in memory for them."""

from collections.abc import Collection, Iterable, Iterator

from streaming.contract.erased_session import ErasedSession
from streaming.contract.log_position import LogPosition
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.valid_session import ValidSession
from streaming.reconcile.evidence import ValidRecord
from streaming.reconcile.expected_documents import decoded
from streaming.summaries.key_limit import KeyLimit
from streaming.summaries.product import window


def sessions_at(
    positions: Collection[LogPosition], valid: Iterable[ValidRecord], pseudonyms: Pseudonyms
) -> dict[LogPosition, str]:
    """Returns the pseudonyms of the valid sessions that come from `positions`."""
    found: dict[LogPosition, str] = {}
    for session in _sessions(valid, pseudonyms):
        position = LogPosition(session.raw_partition, session.raw_offset)
        if position in positions:
            found.setdefault(position, session.session_pseudonym)
    return found


def first_in(
    windows: set[str], valid: Iterable[ValidRecord], limit: KeyLimit, pseudonyms: Pseudonyms
) -> dict[str, ValidSession | ErasedSession]:
    """Returns for each of the `windows`, by document id, the first session in raw order that is in it."""
    found: dict[str, ValidSession | ErasedSession] = {}
    for session in _sessions(valid, pseudonyms):
        for id_ in windows & window([session], limit).keys():
            first = found.setdefault(id_, session)
            if (session.raw_partition, session.raw_offset) < (first.raw_partition, first.raw_offset):
                found[id_] = session
    return found


def _sessions(valid: Iterable[ValidRecord], pseudonyms: Pseudonyms) -> Iterator[ValidSession | ErasedSession]:
    found = (decoded(record, pseudonyms) for record in valid)
    return (session for session in found if session is not None)
