"""How long the gate recognises repeats of a session, and the rejection of older sessions. Pure.

A live session that ended at E is accepted if it arrives before E + horizon; apart from the future tolerance
it cannot arrive before E. So all copies that could be accepted arrive within `horizon + tolerance` of each
other, and the gate remembers claims for at least that long, forward and back. Therefore at most one copy is
accepted, whenever they arrive. Later copies could not be recognised as repeats and are rejected.

The sessions of an import are usually old. For them the time runs from the first arrival of their feed
instead: if an export is sent again within the horizon, its sessions are recognised as duplicates; later they
are rejected. In short, a session's time runs from its end or from its feed's first arrival, whichever is
later.
"""

import re

from msgspec import Struct

from streaming.contract.parsing import FUTURE_TOLERANCE_MS
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import LIVE_FEED, Dated


class Horizon(Struct, frozen=True):
    """The horizon, divided into segments of arrival time that are dropped one by one. Which claims a message
    sees depends only on its own arrival."""

    horizon_ms: int
    segments: int
    """The number of segments in the horizon."""

    @property
    def segment_ms(self) -> int:
        """The length of a segment: two arrivals within horizon and tolerance are at most `segments` segments
        apart."""
        return -(-(self.horizon_ms + FUTURE_TOLERANCE_MS) // self.segments)

    @property
    def reach_ms(self) -> int:
        """The longest time between two arrivals of which one may see the other's claim."""
        return (self.segments + 1) * self.segment_ms

    def segment(self, arrived_at_ms: int) -> int:
        """Returns the number of the segment in which a message arrived."""
        return arrived_at_ms // self.segment_ms

    def first_visible(self, arrived_at_ms: int) -> int:
        """Returns the first segment whose claims a message with this arrival sees; the last is as far
        ahead."""
        return self.segment(arrived_at_ms) - self.segments

    def sees(self, segment: int, other: int) -> bool:
        """True if messages of the two segments see each other's claims."""
        return abs(segment - other) <= self.segments


def is_old(session: Dated, arrived_at_ms: int, horizon_ms: int) -> bool:
    """True if the session ended longer than the horizon before its arrival. Then it is rejected if it is
    live; otherwise that depends on its feed's first arrival."""
    return session.event_time_ms < arrived_at_ms - horizon_ms


def is_beyond(session: Dated, arrived_at_ms: int, horizon_ms: int) -> bool:
    """True if the session is rejected for its age whatever arrived before."""
    return session.feed == LIVE_FEED and is_old(session, arrived_at_ms, horizon_ms)


def refusal(feed: str, horizon_ms: int) -> Rejection:
    """Returns the rejection. It contains the horizon, so that it can be checked after the setting has
    changed."""
    what = "eventTimeMs" if feed == LIVE_FEED else "eventTimeMs and first arrival of the feed"
    return Rejection(Reason.BEYOND_HORIZON, f"{what} more than {horizon_ms} ms before arrival", horizon_ms)


def stated_horizon_ms(header: str | None, detail: str) -> int | None:
    """Returns the horizon by which a session was rejected: from the header `horizon_ms`, or, if an earlier
    version wrote no such header (None), from the text of `detail`. None if neither contains it."""
    found = (
        re.search(r"more than ([0-9]{1,18}) ms before arrival\Z", detail)
        if header is None
        else re.fullmatch(r"([0-9]{1,18})", header)
    )
    return int(found.group(1)) if found else None
