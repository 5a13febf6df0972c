"""Every session of a window exactly once, with any server, and with many of the same arrival."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection

from streaming.contract.period import Window
from streaming.extraction.pages import NotMigrated, pages
from streaming.settings import MongoSettings

START_MS = 1_700_000_000_000


@pytest.fixture
def sessions(mongo: MongoSettings) -> Iterator[Collection[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongo.uri.get_secret_value()) as client:
        collection = client[mongo.database]["sessions"]
        collection.create_index("arrivedAtMs")
        yield collection


def _store(sessions: Collection[dict[str, Any]], arrivals: list[int]) -> None:
    shuffled = list(enumerate(arrivals))
    random.Random(1).shuffle(shuffled)
    sessions.insert_many(
        [{"_id": f"s{i}", "sessionPseudonym": f"s{i}", "arrivedAtMs": at} for i, at in shuffled]
    )


def _read(sessions: Collection[dict[str, Any]], window: Window, size: int) -> list[int]:
    found = [document for page in pages(sessions, window, size) for document in page]
    assert len({document["sessionPseudonym"] for document in found}) == len(found)
    return [document["arrivedAtMs"] for document in found]


@pytest.mark.parametrize("size", [1, 2, 7, 10, 99, 100, 101])
def test_all_once_in_order_of_arrival(sessions: Collection[dict[str, Any]], size: int) -> None:
    arrivals = [START_MS + random.Random(size).randrange(40) for _ in range(100)]
    _store(sessions, arrivals)
    assert _read(sessions, Window(0, START_MS + 1000), size) == sorted(arrivals)


def test_more_sessions_with_the_same_arrival_than_fit_on_a_page(sessions: Collection[dict[str, Any]]) -> None:
    arrivals = [START_MS] * 3 + [START_MS + 1] * 25 + [START_MS + 2] * 4
    _store(sessions, arrivals)
    assert _read(sessions, Window(START_MS, START_MS + 3), 5) == arrivals


def test_the_window_is_half_open(sessions: Collection[dict[str, Any]]) -> None:
    _store(sessions, [START_MS - 1, START_MS, START_MS + 9, START_MS + 10])
    assert _read(sessions, Window(START_MS, START_MS + 10), 3) == [START_MS, START_MS + 9]


def test_an_empty_window_has_no_page(sessions: Collection[dict[str, Any]]) -> None:
    assert list(pages(sessions, Window(0, START_MS), 10)) == []


def test_sessions_of_an_earlier_release_are_an_error(sessions: Collection[dict[str, Any]]) -> None:
    sessions.insert_one({"_id": "a", "sessionId": "a", "arrivedAtMs": START_MS, "userId": "u"})
    with pytest.raises(NotMigrated, match=r"run \./vitrine migrate.* reconcile names them"):
        list(pages(sessions, Window(0, START_MS + 1), 10))


def test_withheld_fields_are_not_read(sessions: Collection[dict[str, Any]]) -> None:
    personal = {
        "identity": {"userId": "x", "sessionId": "x", "name": "x", "email": "x", "zipCode": "x"},
        "gender": "x",
        "city": "x",
        "reviews": [{"text": "x"}],
    }
    sessions.insert_one(
        {"_id": "a", "sessionPseudonym": "a", "arrivedAtMs": START_MS, "userPseudonym": "u", **personal}
    )
    [[document]] = pages(sessions, Window(0, START_MS + 1), 10)
    assert document == {"_id": "a", "sessionPseudonym": "a", "arrivedAtMs": START_MS, "userPseudonym": "u"}
