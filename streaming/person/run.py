"""Erases persons from every place, one after the other: what names them first, what tells whose it is last.

Rejected messages and dead letters are found by what sessions in the log and in MongoDB say of a person, so
those stay until they are through. The log comes before the stores that are made of it: nothing can come back.
Killed at any point, all of it may be done again.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from streaming.access_record.file import stored_record
from streaming.contract import topics
from streaming.contract.parsing import FUTURE_TOLERANCE_MS
from streaming.data_folder.alone import alone
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.settings import GateSettings
from streaming.kafka import clients
from streaming.person import brought_back, extracts, places, similar_users
from streaming.person.erasure_list import ErasureList
from streaming.person.erasures import Amount, Request, erased_before_ms
from streaming.person.kept import EVER_MS, MOST, known
from streaming.person.log_changes import ErasedFromDeadLetters, ErasedFromRejected, ErasedFromValid
from streaming.person.sessions import erase_sessions, known_of
from streaming.person.similar_users import SimilarUsers
from streaming.person.traces import Persons
from streaming.process.exit_code import InvalidRequest
from streaming.purge.stores import OF_ONE_SESSION, count_windows_anew
from streaming.replay.log import history
from streaming.retention.files import ExpiringEntries
from streaming.retention.record import MongoRecord
from streaming.rewriting import log
from streaming.rewriting.segments import DELETED_AFTER_MS
from streaming.settings import (
    DataSettings,
    ElasticsearchSettings,
    KafkaSettings,
    MongoSettings,
    PseudonymSettings,
    RedisSettings,
)
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.sinks.port import DocumentIndex
from streaming.summaries.settings import WindowSettings

Tell = Callable[[str], None]


def erase(requests: Collection[Request], ids: Mapping[str, str], tell: Tell) -> list[Amount]:
    """Erases everything that came of the persons of `requests` before these began. `ids`: the user ids that
    are known, by pseudonym. The stages must be stopped. Returns what was removed where. Raises
    StoreUnavailable, KafkaException or ApiError."""
    with alone(DataSettings().layout.root):  # and not beside a backup, a migration, retention or a purge
        return _erase(requests, ids, tell)


def _erase(requests: Collection[Request], ids: Mapping[str, str], tell: Tell) -> list[Amount]:
    before_ms = erased_before_ms(requests)
    tell("finding out by what they are recognised")
    pseudonyms, settings = PseudonymSettings().pseudonyms, KafkaSettings()
    persons = known(settings, pseudonyms, {user: ids.get(user) for user in before_ms})
    tell("writing the log anew")
    done = list(_from_log(settings, persons, before_ms))
    # Nothing runs, and all documents of the index that are to stay come again from the log.
    now_ms = time.time_ns() // 1_000_000
    done += from_stores(
        persons,
        before_ms,
        tell,
        now_ms,
        lambda index, name: sum(index.remove(name, "userPseudonym", user) for user in before_ms),
    )
    done.append(_windows_anew(tell))
    RedisDedupStore(RedisSettings(), GateSettings()).forget_persons()
    return [*done, *_of_all(), *_left(before_ms)]


def require_migrated() -> None:
    """Raises InvalidRequest if MongoDB has sessions of which nobody can tell whose they are."""
    if MongoSessions(MongoSettings()).has_earlier():
        raise InvalidRequest(
            "MongoDB has sessions of an earlier release, whose users are not found: run ./vitrine migrate, "
            "then erase"
        )


def erase_again(erasures: ErasureList, tell: Tell) -> list[Amount]:
    """Erases from stores and files what a restored backup has brought back of persons who were erased, as the
    list says, or the log: whom it alone knows comes on the list. The log has nothing of them, and is left as
    it is. Raises StoreUnavailable, KafkaException or ApiError."""
    pseudonyms, store = PseudonymSettings().pseudonyms, MongoSessions(MongoSettings())
    settings = KafkaSettings()
    tell("finding out who was erased")
    names = brought_back.erased_names(_valid(settings))
    learnt = erasures.learn(brought_back.erased_in_log(store, names, pseudonyms))
    before_ms = erased_before_ms(erasures.requests())
    if not before_ms:
        return []
    stay = {
        *brought_back.came_later(_valid(settings), before_ms, pseudonyms),
        *(
            str(one["_id"])
            for user, at_ms in before_ms.items()
            for one in store.of_user(user, EVER_MS, MOST)
            if one["arrivedAtMs"] >= at_ms
        ),
    }
    limit = WindowSettings().limit
    earlier, ids = brought_back.erase_earlier(store, before_ms, limit, pseudonyms)
    persons = Persons(
        pseudonyms, {user: known_of(store.of_user(user, at_ms, MOST)) for user, at_ms in before_ms.items()}
    )
    # No session ends later than this after its arrival.
    ended_ms = {user: at_ms + FUTURE_TOLERANCE_MS for user, at_ms in before_ms.items()}
    done = from_stores(
        persons,
        before_ms,
        tell,
        max(before_ms.values()),
        lambda index, name: brought_back.remove_documents(index, name, ended_ms, stay, ids),
    )
    if earlier:
        done.append(Amount(places.SESSIONS, earlier, told="in the form of an earlier release"))
    if any(one.records for one in done if one.place == places.SESSIONS):
        done.append(_windows_anew(tell))
    erasures.end(learnt, done)
    return done


def _valid(settings: KafkaSettings) -> Iterator[bytes | None]:
    return (record.value for record in log.read(settings, topics.VALID))


def from_stores(
    persons: Persons,
    before_ms: Mapping[str, int],
    tell: Tell,
    trusted_ms: int,
    remove_documents: Callable[[DocumentIndex, str], int],
) -> list[Amount]:
    """Erases `persons` from MongoDB, Elasticsearch and files. `trusted_ms`: before when exact figures go.
    `remove_documents` removes theirs from an index, and returns how many."""
    data = DataSettings().layout
    tell("erasing from MongoDB")
    sessions = erase_sessions(MongoSessions(MongoSettings()), persons, before_ms, WindowSettings().limit)
    rows = SimilarUsers(MongoSettings()).erase(persons)
    tell("erasing from Elasticsearch")
    index = ElasticsearchIndex(ElasticsearchSettings())
    for name, document in DOCUMENTS.items():
        index.prepare(name, document)
    documents = {name: remove_documents(index, name) for name in OF_ONE_SESSION}
    tell("erasing from files")
    return [
        Amount(places.SESSIONS, sessions),
        Amount(places.SIMILAR_USERS, rows),
        Amount(places.SUMMARIES, documents[topics.SESSION_SUMMARIES]),
        Amount(places.SENTIMENTS, documents[topics.PRODUCT_SENTIMENT]),
        # After MongoDB: an extraction that is waited for may have read them there.
        Amount(places.EXTRACTS, extracts.erase(data.extract, before_ms)),
        Amount(places.SIMILAR_FILE, similar_users.erase_from_file(data.similar_users, persons)),
        Amount(
            places.TRUSTED,
            _remove_trusted(data.trusted, trusted_ms),
            told="exact figures and non-private baselines, of all",
        ),
    ]


def _windows_anew(tell: Tell) -> Amount:
    """Window totals of before may have words that named somebody, and then counted more than they do now."""
    tell("counting windows anew")
    windows = count_windows_anew(
        ElasticsearchIndex(ElasticsearchSettings()),
        MongoSessions(MongoSettings()).scan(),
        PseudonymSettings().pseudonyms,
        WindowSettings().limit,
        MongoRecord(MongoSettings()).boundaries().sessions_ms,
    )
    return Amount(places.WINDOWS, None, told=f"{windows} totals of nobody in particular, counted anew")


def _from_log(settings: KafkaSettings, persons: Persons, before_ms: Mapping[str, int]) -> Iterator[Amount]:
    rejected = ErasedFromRejected(persons, before_ms, history(settings))
    dead = ErasedFromDeadLetters(persons)
    pseudonyms = PseudonymSettings().pseudonyms
    valid = ErasedFromValid(persons, before_ms, WindowSettings().limit, pseudonyms)
    log.rewrite(settings, {topics.REJECTED: rejected, topics.REFUSED_DOCUMENTS: dead, topics.VALID: valid})
    now_ms = time.time_ns() // 1_000_000
    soon_ms = now_ms + DELETED_AFTER_MS
    later_ms = now_ms + clients.segment_ms(settings, topics.RAW, *topics.INDEXED)
    # No reader gets them any more; on disk they are in one file with what came after.
    soon, later = (
        "bytes on disk go within minutes",
        "bytes on disk go with their segment, after one more record",
    )
    for place, count, until_ms, told in (
        (places.RAW, None, later_ms, f"of everybody, as far as the gate had decided them; {later}"),
        (places.VALID, valid.changed, soon_ms, f"what windows sum is left, under another name; {soon}"),
        (places.REJECTED, rejected.changed, soon_ms, f"position and reason are left; {soon}"),
        (places.DEAD_LETTERS, dead.changed, soon_ms, f"position and reason are left; {soon}"),
        (places.DERIVED, None, later_ms, f"of everybody, and made again from what is left; {later}"),
    ):
        yield Amount(place, count, until_ms, told)


def _remove_trusted(folder: Path, before_ms: int) -> int:
    """Removes what runs of before that moment kept that is not private: nobody can tell whom it is of.
    Returns how many runs."""
    return ExpiringEntries("runs", folder).delete(before_ms)


def _of_all() -> list[Amount]:
    """Returns what is told of places that are emptied whole, or have nothing of a person."""
    return [
        Amount(places.FLINK, None, told="deleted; the job reads the log from its beginning"),
        Amount(
            places.REDIS,
            None,
            told="deleted; the gate claims again what is in the log. ./vitrine distinct … --recount counts "
            "the users of the sessions in MongoDB again",
        ),
        Amount(
            places.MODELS,
            None,
            told="stay: what they say of anybody is bounded by their ε and δ, also of those who were erased "
            "(./vitrine budget). The blocks stay charged",
        ),
        Amount(
            places.LOGS,
            None,
            told="Vitrine writes no id, name or address there, but labels of a day. What people wrote as "
            "a reason or as the path of a file stays in the access record",
        ),
    ]


def _left(before_ms: Mapping[str, int]) -> Iterator[Amount]:
    """Yields files that people have made of what was kept, as the access record knows them."""
    record = stored_record()
    theirs = {record.whose("user", user) for user in before_ms}
    for entry in reversed(record.newest(1 << 30)):
        if entry.did != "export":
            continue
        told = f"{entry.what.rpartition(' to ')[2]}, written {entry.at} by {entry.who}: delete it"
        if entry.whose is None:
            yield Amount(places.REJECTED_FILES, None, told=f"may have their messages: {told}")
        elif entry.whose in theirs:
            yield Amount(places.EXPORT_FILES, None, told=told)
