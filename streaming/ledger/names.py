"""Names of the sessions that break something: read again, as what seldom breaks is not worth remembering."""

from collections.abc import Collection, Iterable

from streaming.events.correction import Place
from streaming.events.valid import ValidSession
from streaming.ledger.evidence import ValidRecord
from streaming.ledger.stored import decoded
from streaming.summaries.product import window


def sessions_at(places: Collection[Place], valid: Iterable[ValidRecord]) -> dict[Place, str]:
    """The ids of the valid sessions that come from `places`."""
    found: dict[Place, str] = {}
    for session in filter(None, map(decoded, valid)):
        place = Place(session.raw_partition, session.raw_offset)
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
