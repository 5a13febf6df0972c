"""What is saved of an index comes back into the slices of its time."""

import io
from typing import Any

import bson
import msgspec
from support.sessions import session_with

from stack.backup.index_part import IndexPart
from streaming.contract import topics
from streaming.contract.months import begin_ms
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.memory import InMemoryIndex
from streaming.sinks.elasticsearch.newest import dated
from streaming.sinks.port import Write
from streaming.summaries.documents import documents
from streaming.summaries.product import window
from streaming.words.lists import Words

BOUGHT = ("p", "Chair", 3.0, "chairs", "purchase")
OCTOBER_MS, NOVEMBER_MS = begin_ms("2026-10"), begin_ms("2026-11")
SESSIONS = [
    session_with(BOUGHT, session_id=f"s{n}", event_time_ms=at_ms, raw_offset=n)
    for n, at_ms in enumerate((OCTOBER_MS, NOVEMBER_MS - 1, NOVEMBER_MS))
]


def quiet(state: str) -> None: ...


def writes() -> list[Write]:
    of_sessions = [(name, id_, of) for one in SESSIONS for name, id_, of in documents(one, Words())]
    of_windows = [(topics.PRODUCT_ACTIVITY, id_, of) for id_, of in window(SESSIONS).items()]
    found = (
        dated(name, id_, 10 + n, msgspec.json.encode(of))
        for n, (name, id_, of) in enumerate([*of_sessions, *of_windows])
    )
    return [write for write in found if write]


def filled() -> InMemoryIndex:
    index = InMemoryIndex()
    for name, document in DOCUMENTS.items():
        index.prepare(name, document)
    assert index.put(writes()) == []
    return index


def saved(index: InMemoryIndex) -> io.BytesIO:
    out = io.BytesIO()
    assert IndexPart("elasticsearch", index).save(out, quiet) == []
    return io.BytesIO(out.getvalue())


def test_each_document_comes_back_into_its_slice_with_its_version() -> None:
    lost, here = filled(), InMemoryIndex()
    told = IndexPart("elasticsearch", here).restore(saved(lost), quiet)
    assert told == f"{len(writes())} documents, where there is no newer one"
    assert here.slices == lost.slices
    assert set(here.slices[topics.SESSION_SUMMARIES]) == {"2026-10", "2026-11"}


def test_a_newer_one_in_another_slice_stands_alone() -> None:
    stream, here = saved(filled()), InMemoryIndex()
    here.prepare(topics.SESSION_SUMMARIES, DOCUMENTS[topics.SESSION_SUMMARIES])
    moved = next(write for write in writes() if write.month == "2026-10")
    newer = msgspec.structs.replace(moved, version=99, month="2026-12")
    assert here.put([newer]) == []
    IndexPart("elasticsearch", here).restore(stream, quiet)
    assert moved.id not in here.slices[topics.SESSION_SUMMARIES]["2026-10"]
    assert here.slices[topics.SESSION_SUMMARIES]["2026-12"][moved.id][0] == 99


def test_what_is_taken_no_longer_is_counted() -> None:
    """Without a time, with a field more, or of an index that is no more."""
    [whole, *_] = writes()
    further = msgspec.json.encode(msgspec.json.decode(whole.body) | {"city": "Berlin"})
    of = {
        whole.index: [whole.body, further, b"{}", b"no document"],
        "of an earlier release": [whole.body],
    }
    sections: list[dict[str, Any]] = []
    for index, bodies in of.items():
        sections += [{"index": index}]
        sections += [
            {"document": {"id": f"{n}", "version": 5, "body": body}} for n, body in enumerate(bodies)
        ]
    stream = io.BytesIO(b"".join(map(bson.encode, sections)))
    here = InMemoryIndex()
    told = IndexPart("elasticsearch", here).restore(stream, quiet)
    assert told.startswith("1 documents, where there is no newer one; 4 have another form than now")
    assert "./vitrine migrate" in told  # the log has not all
    assert set(here.documents(whole.index)) == {"0"}
