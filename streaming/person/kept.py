"""Everything that is kept of one person, place by place, read from the log, the stores and the files."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from streaming.contract import topics
from streaming.contract.headers import header_texts
from streaming.contract.log_position import LogPosition
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.valid_session import StoredSession, decode_stored, try_decode
from streaming.kafka import clients
from streaming.person import extracts, similar_users
from streaming.person.log_changes import is_erased
from streaming.person.places import (
    DEAD_LETTERS,
    EXTRACTS,
    RAW,
    REJECTED,
    SENTIMENTS,
    SESSIONS,
    SIMILAR_FILE,
    SIMILAR_USERS,
    SUMMARIES,
    VALID,
)
from streaming.person.sessions import known_of
from streaming.person.similar_users import SimilarUsers
from streaming.person.traces import Persons, Traces, traces_of
from streaming.replay.history import Rejected
from streaming.replay.lines import write
from streaming.rewriting import log
from streaming.settings import DataSettings, ElasticsearchSettings, KafkaSettings, MongoSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.mongo.sessions import MongoSessions

Records = Mapping[str, Callable[[], Iterator[Any]]]
EVER_MS = 1 << 62
MOST = 1 << 30


class Sent(Struct, frozen=True):
    """Whose a message is, as its sender says."""

    user_id: str | None = msgspec.field(default=None, name="userId")


def known(settings: KafkaSettings, pseudonyms: Pseudonyms, users: Mapping[str, str | None]) -> Persons:
    """Returns the persons with these pseudonyms, each with the id if that is given, and with what their
    sessions in the log and in MongoDB say of them. Raises KafkaException or StoreUnavailable."""
    store = MongoSessions(MongoSettings())
    found = {
        user: known_of(store.of_user(user, EVER_MS, MOST)) | Traces(frozenset({id_} if id_ else ()))
        for user, id_ in users.items()
    }
    for record in log.read(settings, topics.VALID):
        session = try_decode(record.value, pseudonyms)
        user = getattr(session, "user_pseudonym", None)
        if user in found:
            stored = decode_stored(record.value or b"", pseudonyms)
            assert isinstance(stored, StoredSession)
            found[user] |= traces_of(stored)
    return Persons(pseudonyms, found)


def kept(settings: KafkaSettings, pseudonyms: Pseudonyms, persons: Persons) -> Records:
    """Returns what each place has of `persons`: records that can be written as JSON. Each is read when it is
    called, and may raise KafkaException or StoreUnavailable."""
    index, data = ElasticsearchIndex(ElasticsearchSettings()), DataSettings().layout

    def of_index(name: str) -> Iterator[Any]:
        index.refresh(name)
        for user in sorted(persons.pseudonyms):
            yield from (document for _, document in index.find(name, "userPseudonym", user))

    return {
        RAW: lambda: _raw(settings, persons, pseudonyms),
        VALID: lambda: _valid(settings, persons, pseudonyms),
        REJECTED: lambda: _rejected(settings, persons),
        DEAD_LETTERS: lambda: _dead_letters(settings, persons),
        SESSIONS: lambda: _sessions(persons),
        SIMILAR_USERS: lambda: SimilarUsers(MongoSettings()).of(persons),
        SUMMARIES: lambda: of_index(topics.SESSION_SUMMARIES),
        SENTIMENTS: lambda: of_index(topics.PRODUCT_SENTIMENT),
        EXTRACTS: lambda: extracts.rows_of(data.extract, persons.pseudonyms),
        SIMILAR_FILE: lambda: similar_users.rows_of(data.similar_users, persons),
    }


def _sessions(persons: Persons) -> Iterator[Any]:
    store = MongoSessions(MongoSettings())
    for user in sorted(persons.pseudonyms):
        yield from store.of_user(user, EVER_MS, MOST)


def _raw(settings: KafkaSettings, persons: Persons, pseudonyms: Pseudonyms) -> Iterator[Any]:
    """What says that it is theirs: of all else in the topic, the gate has made a rejected message or will."""
    decode = msgspec.json.Decoder(Sent).decode
    for message in clients.read_all(settings, topics.RAW):
        value, key = message.value() or b"", message.key() or b""
        try:
            sender = decode(value).user_id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            sender = None
        ids = {sender, key.decode(errors="replace")} - {None}
        if any(pseudonyms.user(str(one)) in persons for one in ids):
            at = LogPosition(message.partition() or 0, message.offset() or 0)
            yield {"position": str(at), "arrivedAtMs": message.timestamp()[1], **_bytes(key, value)}


def _valid(settings: KafkaSettings, persons: Persons, pseudonyms: Pseudonyms) -> Iterator[Any]:
    for record in log.read(settings, topics.VALID):
        session = try_decode(record.value, pseudonyms)
        if getattr(session, "user_pseudonym", "") in persons:
            yield msgspec.json.decode(record.value or b"")


def _rejected(settings: KafkaSettings, persons: Persons) -> Iterator[Any]:
    for message in clients.read_all(settings, topics.REJECTED):
        headers = header_texts(message)
        if topics.HEADER_ERASED not in headers and persons.in_message(message.key(), message.value()):
            named = {"reason": headers.get(topics.HEADER_REASON), "detail": headers.get(topics.HEADER_DETAIL)}
            yield named | _bytes(message.key(), message.value())


def _dead_letters(settings: KafkaSettings, persons: Persons) -> Iterator[Any]:
    for record in log.read(settings, topics.REFUSED_DOCUMENTS):
        if not is_erased(record.headers) and persons.in_message(record.key, record.value):
            yield _bytes(record.key, record.value)


def _bytes(key: bytes | None, value: bytes | None) -> dict[str, Any]:
    """Returns key and value as `./vitrine rejected --out` writes them, also if they are no text."""
    fields: dict[str, Any] = msgspec.json.decode(write(Rejected(LogPosition(0, 0), "", "", 0, key, value)))
    return {name: content for name, content in fields.items() if name.startswith(("key", "value"))}
