"""Removes a feed from the stores."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import msgspec

from streaming.contract import topics
from streaming.contract.months import begin_ms
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.valid_session import try_decode
from streaming.data_folder.alone import alone
from streaming.reconcile.expected_documents import by_id
from streaming.reconcile.store_contents import as_json
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.newest import IndexRecord, newest
from streaming.sinks.port import DocumentIndex
from streaming.stores import Document
from streaming.summaries.key_limit import KeyLimit
from streaming.summaries.product import Windows

_BATCH = 5_000
OF_ONE_SESSION = (topics.SESSION_SUMMARIES, topics.PRODUCT_SENTIMENT)
"""The indexes whose documents name their feed."""


def remove_documents(index: DocumentIndex, feed: str) -> int:
    """Removes what was made of single sessions of `feed` from Elasticsearch; returns how much."""
    return sum(index.remove(name, "feed", feed) for name in OF_ONE_SESSION)


def count_windows_anew(
    index: DocumentIndex,
    sessions: Iterable[Document],
    pseudonyms: Pseudonyms,
    limit: KeyLimit,
    expired_before_ms: int,
) -> int:
    """Replaces window totals by those of `sessions`, all that MongoDB has, also in the form of an earlier
    release; returns how many there are. Totals of before `expired_before_ms` stay as they are: their sessions
    are no longer there to count. Documents that are no session are left out; `reconcile` names them."""
    index.refresh(topics.PRODUCT_ACTIVITY)
    for month in index.months(topics.PRODUCT_ACTIVITY):
        if begin_ms(month) >= expired_before_ms:
            index.drop(topics.PRODUCT_ACTIVITY, month)
    index.prepare(topics.PRODUCT_ACTIVITY, DOCUMENTS[topics.PRODUCT_ACTIVITY])  # its last slice may be gone
    windows = Windows(limit)
    for document in sessions:
        session = try_decode(as_json(by_id(document)[1]), pseudonyms)
        if session is not None and session.event_time_ms >= expired_before_ms:
            windows.add(session)
    records, written = _records(windows), 0
    while batch := list(islice(records, _BATCH)):
        standing, _ = newest(batch)
        index.put([write for _, write in standing.values()])
        written += len(batch)
    return written


def _records(windows: Windows) -> Iterator[IndexRecord]:
    for id_, activity in windows.activities().items():
        yield IndexRecord(topics.PRODUCT_ACTIVITY, 0, 0, 0, id_.encode(), msgspec.json.encode(activity))


def remove_extracts(folder: Path) -> int:
    """Removes all extracts, which do not say of which feed a row is; the next extraction writes them anew.
    Returns how many files they were."""
    if not folder.exists():
        return 0
    with alone(folder):
        files = list(folder.glob("part-*.parquet"))
        for file in files:
            file.unlink()
    return len(files)
