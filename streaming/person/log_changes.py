"""What erasing somebody leaves of each topic of the log. Pure.

Changing again what was changed changes nothing: what is left names nobody.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from streaming.contract import erased_session, topics
from streaming.contract.headers import Headers
from streaming.contract.log_position import LogPosition
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.valid_session import try_decode_stored
from streaming.person.erased import erased
from streaming.person.rejected import left_of
from streaming.person.traces import Persons
from streaming.replay.history import KEPT, History, State
from streaming.rewriting.change import Left, Logged, Place
from streaming.summaries.key_limit import KeyLimit


class ErasedFromValid:
    """Change of `valid_customer_session`: sessions become what is left of them, and what is no session, or
    one without an identity, goes: the store keeps it as a dead letter."""

    def __init__(
        self, persons: Persons, before_ms: Mapping[str, int], limit: KeyLimit, pseudonyms: Pseudonyms
    ) -> None:
        self._persons, self._before_ms, self._limit = persons, before_ms, limit
        self._pseudonyms = pseudonyms
        self.changed = 0

    def __call__(self, record: Logged) -> Left | None:
        session = try_decode_stored(record.value, self._pseudonyms)
        if session is None:
            return None
        place = Place(session.raw_partition, session.raw_offset)
        if isinstance(session, erased_session.ErasedSession):
            return Left(place, record)
        if session.arrived_at_ms >= self._before_ms.get(session.user_pseudonym, 0):
            return Left(place, record)
        left = erased(session, self._limit, self._persons.traces(session.user_pseudonym))
        self.changed += 1
        return Left(
            place,
            replace(record, key=left.session_pseudonym.encode(), value=erased_session.encode(left)),
        )


class ErasedFromRejected:
    """Change of `rejected_user_session`: of what names somebody, only which message it was and why it was
    rejected is left; those of others stay as they are, with what has become of them."""

    def __init__(self, persons: Persons, before_ms: Mapping[str, int], history: History) -> None:
        self._persons, self._before_ms, self._history = persons, before_ms, history
        self.changed = 0

    def __call__(self, record: Logged) -> Left | None:
        at = _raw_position(record.headers)
        return Left(at and Place(*at), _settled(self._left(record), at and self._history.state(at)))

    def _left(self, record: Logged) -> Logged:
        if is_erased(record.headers):
            return record
        arrived_at_ms = _number(record.headers, topics.HEADER_ARRIVED_AT_MS)
        for person in self._persons.in_message(record.key, record.value):
            if arrived_at_ms is None or arrived_at_ms < self._before_ms[person]:
                self.changed += 1
                return replace(record, key=None, value=None, headers=left_of(record.headers))
        return record


class ErasedFromDeadLetters:
    """Change of `refused_documents`: the same for dead letters of valid sessions. Those of documents go: the
    job makes their documents again, and whoever is refused is refused again."""

    def __init__(self, persons: Persons) -> None:
        self._persons = persons
        self.changed = 0

    def __call__(self, record: Logged) -> Left | None:
        topic = text(record.headers, topics.HEADER_TOPIC)
        partition = _number(record.headers, topics.HEADER_PARTITION)
        offset = _number(record.headers, topics.HEADER_OFFSET)
        if topic in topics.INDEXED:
            return None
        place = None if partition is None or offset is None else Place((topic, partition), offset)
        if is_erased(record.headers):
            return Left(place, record)
        if self._persons.in_message(record.key, record.value):
            self.changed += 1
            record = replace(record, key=None, value=None, headers=left_of(record.headers))
        return Left(place, record)


def is_erased(headers: Headers) -> bool:
    """True if these are the headers of what is left of a message."""
    return any(name == topics.HEADER_ERASED for name, _ in headers)


def _settled(record: Logged, state: State | None) -> Logged:
    """Returns `record` with its state, which the raw messages show that are about to go."""
    if state not in KEPT or any(name == topics.HEADER_SETTLED for name, _ in record.headers):
        return record
    return replace(record, headers=[*record.headers, (topics.HEADER_SETTLED, state.encode())])


def _raw_position(headers: Headers) -> LogPosition | None:
    partition = _number(headers, topics.HEADER_RAW_PARTITION)
    offset = _number(headers, topics.HEADER_RAW_OFFSET)
    return None if partition is None or offset is None else LogPosition(partition, offset)


def _number(headers: Headers, wanted: str) -> int | None:
    found = text(headers, wanted)
    return int(found) if found.isascii() and found.isdigit() and len(found) < 19 else None


def text(headers: Headers, wanted: str) -> str:
    """Returns the value of a header; empty without it."""
    for name, value in headers:
        if name == wanted:
            return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
    return ""
