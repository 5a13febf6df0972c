"""Whether a live session is late, computed from the log alone. Pure."""

from collections.abc import Mapping

from streaming.contract.erased_session import ErasedSession
from streaming.contract.session import LIVE_FEED, Session
from streaming.contract.valid_session import ValidSession
from streaming.reconcile.evidence import OffsetRange


class Lateness:
    """Call `before` for the valid sessions before the spans, in any order; then `is_late` for those within
    them, in the order of their offsets."""

    def __init__(self, spans: Mapping[int, OffsetRange], allowed_ms: int) -> None:
        self._spans, self._allowed_ms = spans, allowed_ms
        self._newest_ms = dict.fromkeys(spans, 0)

    def before(self, session: ValidSession | ErasedSession) -> None:
        """Notes the event time of `session` if it lies before the spans."""
        span = self._spans.get(session.raw_partition)
        if span and session.raw_offset < span.first and session.feed == LIVE_FEED:
            newest_ms = self._newest_ms[session.raw_partition]
            self._newest_ms[session.raw_partition] = max(newest_ms, session.event_time_ms)

    def is_late(self, partition: int, session: Session) -> bool:
        """True if `session`, the next valid one of a raw partition, is late."""
        if session.feed != LIVE_FEED:
            return False
        newest_ms = self._newest_ms[partition]
        self._newest_ms[partition] = max(newest_ms, session.event_time_ms)
        return session.event_time_ms < newest_ms - self._allowed_ms
