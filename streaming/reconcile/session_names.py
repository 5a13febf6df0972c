"""Names of the sessions that break something: read again, as what seldom breaks is not worth remembering."""

from collections.abc import Collection, Iterable

from streaming.contract.log_position import LogPosition
from streaming.contract.valid_session import ValidSession
from streaming.reconcile.evidence import ValidRecord
from streaming.reconcile.expected_documents import decoded
from streaming.summaries.product import window


def sessions_at(places: Collection[LogPosition], valid: Iterable[ValidRecord]) -> dict[LogPosition, str]:
    """The ids of the valid sessions that come from `places`."""
    found: dict[LogPosition, str] = {}
    for session in filter(None, map(decoded, valid)):
        place = LogPosition(session.raw_partition, session.raw_offset)
        if place in places:
            found.setdefault(place, session.session_id)
    return found


def first_in(windows: set[str], valid: Iterable[ValidRecord]) -> dict[str, ValidSession]:
    """For each of the `windows`, by document id, the session in it that comes first in raw order."""
    found: dict[str, ValidSession] = {}
    for session in filter(None, map(decoded, valid)):
        for id_ in windows & window([session]).keys():
            first = found.setdefault(id_, session)
            if (session.raw_partition, session.raw_offset) < (first.raw_partition, first.raw_offset):
                found[id_] = session
    return found
