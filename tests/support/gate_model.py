"""A gate without stores: what becomes of each raw message, as the stages behind the gate would see it."""

from streaming.contract.consent import ALL_AGREED, REFUSALS, Sources, refused_by
from streaming.contract.horizon import is_beyond, refusal
from streaming.contract.parsing import parse
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import Session
from streaming.contract.valid_session import StoredSession, admit
from support.sessions import PSEUDONYMS


class GateModel:
    """One gate from its first message on. It is no oracle: it uses the product's rules, not its stages."""

    def __init__(
        self, horizon_ms: int, allowed_lateness_ms: int | None = None, sources: Sources = ALL_AGREED
    ) -> None:
        """No session is late if `allowed_lateness_ms` is None."""
        self._horizon_ms, self._lateness_ms, self._sources = horizon_ms, allowed_lateness_ms, sources
        self._sessions: set[tuple[str, str]] = set()
        self._users: set[str] = set()
        self._newest_ms: dict[int, int] = {}

    def outcome(
        self, value: bytes | None, partition: int, offset: int, arrived_at_ms: int
    ) -> StoredSession | Rejection:
        """Of the next raw message."""
        session = parse(value, arrived_at_ms)
        if who := refused_by(session, value, self._sources):
            return REFUSALS[who]
        if not isinstance(session, Session):
            return session
        if is_beyond(session, arrived_at_ms, self._horizon_ms):
            return refusal(session.feed, self._horizon_ms)
        if (session.user_id, session.session_id) in self._sessions:
            return Rejection(Reason.DUPLICATE, "userId and sessionId")
        newest_ms = self._newest_ms.get(partition, 0)
        valid = admit(
            session,
            PSEUDONYMS,
            user_kind="returning" if session.user_id in self._users else "new",
            late=self._lateness_ms is not None and session.event_time_ms < newest_ms - self._lateness_ms,
            raw_partition=partition,
            raw_offset=offset,
            arrived_at_ms=arrived_at_ms,
        )
        self._sessions.add((session.user_id, session.session_id))
        self._users.add(session.user_id)
        self._newest_ms[partition] = max(newest_ms, session.event_time_ms)
        return valid
