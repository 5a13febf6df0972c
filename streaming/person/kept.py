"""Everything that is kept of one person, place by place, read from the log, the stores and the files."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from streaming.contract import topics
from streaming.contract.log_position import LogPosition
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.valid_session import StoredSession, try_decode, try_decode_stored
from streaming.kafka import clients
from streaming.person import extracts, similar_users
from streaming.person.log_changes import is_erased, text
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
from streaming.person.sessions import about, known_of
from streaming.person.similar_users import SimilarUsers
from streaming.person.traces import Persons, Traces, traces_of
from streaming.replay.history import Rejected
from streaming.replay.lines import write
from streaming.rewriting import log
from streaming.rewriting.change import Logged
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
        session = try_decode_stored(record.value, pseudonyms)
        if isinstance(session, StoredSession) and session.user_pseudonym in found:
            found[session.user_pseudonym] |= traces_of(session)
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
        SIMILAR_USERS: lambda: _similar(SimilarUsers(MongoSettings()).of(persons), persons),
        SUMMARIES: lambda: of_index(topics.SESSION_SUMMARIES),
        SENTIMENTS: lambda: of_index(topics.PRODUCT_SENTIMENT),
        EXTRACTS: lambda: extracts.rows_of(data.extract, persons.pseudonyms),
        SIMILAR_FILE: lambda: _similar(similar_users.rows_of(data.similar_users, persons), persons),
    }


def _similar(rows: Iterator[dict[str, Any]], persons: Persons) -> Iterator[Any]:
    return (about(row, persons) for row in rows)


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
        # The key may be anybody's if the message says whose it is.
        if pseudonyms.user(sender or key.decode(errors="replace")) in persons:
            at = LogPosition(message.partition() or 0, message.offset() or 0)
            yield {"position": str(at), "arrivedAtMs": message.timestamp()[1], **_bytes(key, value)}


def _valid(settings: KafkaSettings, persons: Persons, pseudonyms: Pseudonyms) -> Iterator[Any]:
    for record in log.read(settings, topics.VALID):
        session = try_decode(record.value, pseudonyms)
        if getattr(session, "user_pseudonym", "") in persons:
            yield msgspec.json.decode(record.value or b"")


def _rejected(settings: KafkaSettings, persons: Persons) -> Iterator[Any]:
    for record in log.read(settings, topics.REJECTED):
        yield from _told(record, persons, topics.HEADER_RAW_PARTITION, topics.HEADER_RAW_OFFSET)


def _dead_letters(settings: KafkaSettings, persons: Persons) -> Iterator[Any]:
    for record in log.read(settings, topics.REFUSED_DOCUMENTS):
        yield from _told(record, persons, topics.HEADER_PARTITION, topics.HEADER_OFFSET)


def _told(record: Logged, persons: Persons, partition: str, offset: str) -> Iterator[Any]:
    """Yields a message that names one of `persons`; of one that says that it is somebody else's, only which
    it is. `partition` and `offset`: the headers that say so."""
    if is_erased(record.headers) or not (named := persons.look(record.key, record.value)).persons:
        return
    of = {name: text(record.headers, name) for name in (partition, offset, topics.HEADER_REASON)}
    told = {"position": f"{of[partition]}:{of[offset]}", "reason": of[topics.HEADER_REASON]}
    if named.own:
        detail = text(record.headers, topics.HEADER_DETAIL)
        yield told | {"detail": detail} | _bytes(record.key, record.value)
    else:
        yield told | {"of": "somebody else, so without content"}


def _bytes(key: bytes | None, value: bytes | None) -> dict[str, Any]:
    """Returns key and value as `./vitrine rejected --out` writes them, also if they are no text."""
    fields: dict[str, Any] = msgspec.json.decode(write(Rejected(LogPosition(0, 0), "", "", 0, key, value)))
    return {name: content for name, content in fields.items() if name.startswith(("key", "value"))}
