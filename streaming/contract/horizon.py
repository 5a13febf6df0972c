"""How long a session is told from its repetitions, and the refusal of what is older. Pure.

A live session that ended at E is let through until E + horizon and, the future tolerance aside, cannot have
come before E: its copies that pass lie within `horizon + tolerance` of one another, and that far the gate
looks, forward and back. So no two of them pass, whenever they come. What comes later cannot be told from a
repetition and is refused.

An import is old by nature. It counts from the first arrival of its feed instead: an export sent again within
the horizon is told from the first by its sessions, and one sent later is refused. In short, a session counts
from its end or from its feed's first arrival, whichever is later.
"""

import re

from msgspec import Struct

from streaming.contract.parsing import FUTURE_TOLERANCE_MS
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import LIVE_FEED, Visit


class Horizon(Struct, frozen=True):
    """The arrival times at which sessions are told from their repetitions, cut into segments that are
    forgotten one by one. What is visible to a message follows from its own arrival alone."""

    horizon_ms: int
    segments: int
    """Of one horizon."""

    @property
    def segment_ms(self) -> int:
        """So long that two arrivals within horizon and tolerance lie at most `segments` segments apart."""
        return -(-(self.horizon_ms + FUTURE_TOLERANCE_MS) // self.segments)

    def segment(self, arrived_at_ms: int) -> int:
        """The number of the segment in which a message arrived."""
        return arrived_at_ms // self.segment_ms

    def first_visible(self, arrived_at_ms: int) -> int:
        """The first segment whose claims a message sees that arrived then; the last is as far ahead."""
        return self.segment(arrived_at_ms) - self.segments

    def sees(self, segment: int, other: int) -> bool:
        """Whether messages of two segments see each other's claims."""
        return abs(segment - other) <= self.segments


def is_old(session: Visit, arrived_at_ms: int, horizon_ms: int) -> bool:
    """Whether it ended too long before its arrival: refused if live, else a question to the feed's first
    arrival."""
    return session.event_time_ms < arrived_at_ms - horizon_ms


def is_beyond(session: Visit, arrived_at_ms: int, horizon_ms: int) -> bool:
    """Whether it is refused for its age whatever else came."""
    return session.feed == LIVE_FEED and is_old(session, arrived_at_ms, horizon_ms)


def refusal(feed: str, horizon_ms: int) -> Rejection:
    """States the horizon it was judged by, so that it can be judged again when the setting has changed."""
    what = "eventTimeMs" if feed == LIVE_FEED else "eventTimeMs and first arrival of the feed"
    return Rejection(Reason.BEYOND_HORIZON, f"{what} more than {horizon_ms} ms before arrival", horizon_ms)


def stated_horizon_ms(header: str | None, detail: str) -> int | None:
    """The horizon that a rejection was judged by, from its header `horizon_ms`; of one written before there
    was that header (None), from the sentence in its `detail`. None where it states none."""
    found = (
        re.search(r"more than ([0-9]{1,18}) ms before arrival\Z", detail)
        if header is None
        else re.fullmatch(r"([0-9]{1,18})", header)
    )
    return int(found.group(1)) if found else None
