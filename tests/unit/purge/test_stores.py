"""A feed is removed from the index and from window totals, which then are those of the rest."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from support.sessions import PSEUDONYMS, earlier_message, session_with

from streaming.contract import topics
from streaming.contract.months import begin_ms
from streaming.contract.valid_session import StoredSession
from streaming.purge import stores
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.memory import InMemoryIndex
from streaming.sinks.elasticsearch.newest import IndexRecord, newest
from streaming.stores import Document
from streaming.summaries.documents import documents
from streaming.summaries.key_limit import USUAL
from streaming.summaries.product import window
from streaming.words.lists import Words

OCTOBER_MS, NOVEMBER_MS = begin_ms("2026-10"), begin_ms("2026-11")


def a_session(id_: str, feed: str, at_ms: int) -> StoredSession:
    bought = ("p", "Chair", 3.0, "chairs", "purchase")
    return session_with(bought, session_id=id_, feed=feed, event_time_ms=at_ms)


SESSIONS = [
    a_session("a", "demo", NOVEMBER_MS),
    a_session("b", "live", NOVEMBER_MS + 1),
    a_session("c", "demo", OCTOBER_MS),
    a_session("d", "live", OCTOBER_MS + 5),
    a_session("e", "demo", OCTOBER_MS + 9_999_999),
]
LEFT = [session for session in SESSIONS if session.feed == "live"]


def indexed(sessions: list[StoredSession]) -> InMemoryIndex:
    index = InMemoryIndex()
    for name, document in DOCUMENTS.items():
        index.prepare(name, document)
    found = [(name, id_, of) for session in sessions for name, id_, of in documents(session, Words())]
    found += [(topics.PRODUCT_ACTIVITY, id_, of) for id_, of in window(sessions).items()]  # type: ignore[misc]
    records = [IndexRecord(name, 0, 0, 0, id_.encode(), msgspec.json.encode(of)) for name, id_, of in found]
    standing, _ = newest(records)
    assert index.put([write for _, write in standing.values()]) == []
    return index


def in_mongodb(sessions: list[StoredSession]) -> list[Document]:
    return [{"_id": session.session_pseudonym, **msgspec.to_builtins(session)} for session in sessions]


def of_an_earlier_release(sessions: list[StoredSession]) -> list[Document]:
    """As they are before ./vitrine migrate, and something that is no session."""
    held = [
        {"_id": session.identity.session_id, **msgspec.json.decode(earlier_message(session))}
        for session in sessions
    ]
    return [*held, {"_id": "odd", "name": "no session"}]


@pytest.mark.parametrize("held", [in_mongodb, of_an_earlier_release])
def test_without_a_feed_the_index_is_as_if_it_had_never_come(
    held: Callable[[list[StoredSession]], list[Document]],
) -> None:
    index, wanted = indexed(SESSIONS), indexed(LEFT)
    for _ in range(2):  # killed at its end, it is done again
        stores.remove_documents(index, "demo")
        stores.count_windows_anew(index, held(LEFT), PSEUDONYMS, USUAL, 0)
        for name in topics.INDEXED:
            assert index.documents(name) == wanted.documents(name)
    assert stores.remove_documents(index, "demo") == 0


def test_windows_whose_sessions_have_expired_stay_as_they_are() -> None:
    index, wanted = indexed(SESSIONS), indexed(LEFT)
    before = index.documents(topics.PRODUCT_ACTIVITY)
    stores.count_windows_anew(index, in_mongodb([LEFT[0]]), PSEUDONYMS, USUAL, NOVEMBER_MS)
    after = index.documents(topics.PRODUCT_ACTIVITY)
    assert after.keys() == before.keys()
    for id_, document in after.items():
        expired = document["windowStartMs"] < NOVEMBER_MS
        assert document == (before if expired else wanted.documents(topics.PRODUCT_ACTIVITY))[id_]


def test_all_extracts_go(tmp_path: Path) -> None:
    for name in ("part-0-5.parquet", "part-5-9.parquet", "other"):
        (tmp_path / name).write_bytes(b"")
    assert stores.remove_extracts(tmp_path) == 2
    assert stores.remove_extracts(tmp_path) == stores.remove_extracts(tmp_path / "no") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
