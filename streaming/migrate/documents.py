"""Documents in Elasticsearch that have ids, or the city, beside other fields of a session: made anew.

Slices with fields of an earlier release are dropped whole, and filled from the sessions in MongoDB, which
also has those that are no longer in the log. What Flink writes comes later and replaces it. What it wrote
before goes with the slices: so the store must have all sessions that Flink may have read by then.
"""

from collections.abc import Callable

import msgspec

from streaming.contract import topics
from streaming.contract.months import month_of
from streaming.contract.valid_session import ValidSession
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.port import DocumentIndex, SessionStore, Write
from streaming.stores import StoreUnavailable
from streaming.summaries.documents import documents
from streaming.words.lists import Words

OF_SESSIONS = (topics.SESSION_SUMMARIES, topics.PRODUCT_SENTIMENT)
"""The indexes with documents of single sessions; window totals have never had an id."""
_FIRST_VERSION = 1
"""Below that of any document which Flink has written: its version follows from the time."""
_BATCH = 2_000
_encode = msgspec.json.Encoder().encode


def migrate_documents(
    index: DocumentIndex,
    store: SessionStore,
    words: Words,
    wait_stored: Callable[[], None],
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Makes the documents of all sessions in `store` anew, with the words of `words`, and returns their
    number. Calls `progress` with it now and then. `wait_stored` returns once `store` has every session that
    is in the log now; what it raises the first time, it raises before anything is dropped. Repeatable. Raises
    StoreUnavailable."""
    wait_stored()
    for name in OF_SESSIONS:
        index.drop_if_other(name, DOCUMENTS[name])
        index.prepare(name, DOCUMENTS[name])
    wait_stored()
    done = 0
    batch: list[Write] = []
    for held in store.scan():
        try:
            session = msgspec.convert(held, ValidSession)
        except msgspec.ValidationError:
            continue  # no stage wrote it: `reconcile` names it
        batch += (
            Write(name, id_, _FIRST_VERSION, _encode(made), month_of(made.event_time_ms))
            for name, id_, made in documents(session, words)
        )
        if len(batch) >= _BATCH:
            done += _put(index, batch)
            batch = []
            progress(done)
    return done + _put(index, batch)


def _put(index: DocumentIndex, writes: list[Write]) -> int:
    if refused := index.put(writes):
        raise StoreUnavailable(f"Elasticsearch refuses documents of this release ({refused[0].reason})")
    return len(writes)
