"""What is left of an erased session counts in windows and nowhere else, whoever reads it."""

import json
from typing import Any

import msgspec
from support.sessions import PSEUDONYMS, session_with

from ml.score.sessions import read
from streaming.contract import erased_session
from streaming.contract.period import Window
from streaming.contract.rejection import Rejection
from streaming.extraction.pages import pages
from streaming.migrate.sessions import migrate_sessions
from streaming.person.erased import erased
from streaming.person.traces import Traces
from streaming.sinks.mongo.documents import document
from streaming.sinks.mongo.memory import InMemorySessions
from streaming.summaries.batch import reduce
from streaming.summaries.documents import documents
from streaming.summaries.key_limit import USUAL
from streaming.unlisted_words.tally import unlisted
from streaming.words.lists import Words

SESSION = session_with(("p", "Chair", 3.0, "chairs", "purchase"), country="Atlantis")
LEFT = erased(SESSION, USUAL, Traces())
VALUE = erased_session.encode(LEFT)


class _Found:
    """What a collection answers, whatever is asked."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self._documents = documents

    def find(self, *_: object) -> "_Found":
        return self

    sort = find

    def limit(self, most: int) -> list[dict[str, Any]]:
        return list(self._documents[:most])


def test_the_job_counts_it_and_makes_no_document_of_it() -> None:
    columns = reduce([VALUE], True, USUAL, Words(), PSEUDONYMS)
    assert columns["session_pseudonym"] == [None]
    assert columns["reviews"] == [[]]
    assert [part[0].split(":")[0] for part in columns["parts"][0]] == ["product", "category"]
    assert list(documents(LEFT, Words())) == []


def test_the_store_keeps_it_under_a_name_of_its_own() -> None:
    kept = document(VALUE, PSEUDONYMS)
    assert kept["_id"] == kept["sessionPseudonym"] != SESSION.session_pseudonym
    assert "identity" not in kept
    assert "userPseudonym" not in kept


def test_it_is_not_extracted() -> None:
    kept = document(VALUE, PSEUDONYMS)
    other = {"_id": "o", "arrivedAtMs": 5}
    found: Any = _Found(kept, other)
    assert [page for page in pages(found, Window(0, 9), 10) if page] == [[other]]


def test_no_word_of_it_is_counted_and_it_needs_no_migration() -> None:
    kept = document(VALUE, PSEUDONYMS)
    assert unlisted([kept], Words()).sessions == 0
    store = InMemorySessions()
    store.insert([kept])
    migrate_sessions(store, PSEUDONYMS)
    assert list(store.scan()) == [kept]


def test_it_is_not_scored() -> None:
    assert isinstance(read(VALUE, 0), Rejection)
    in_mongodb = json.dumps(msgspec.to_builtins(LEFT), sort_keys=True).encode()
    assert isinstance(read(in_mongodb, 0), Rejection)
