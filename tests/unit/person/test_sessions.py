"""Sessions in the store become what is left of them; nobody is anybody's neighbour any more."""

from pathlib import Path

import msgspec
import pytest
from support.sessions import PSEUDONYMS, valid_session

from streaming.contract.valid_session import StoredSession
from streaming.person import sessions, similar_users
from streaming.person.traces import Persons, Traces
from streaming.sinks.mongo.memory import InMemorySessions
from streaming.stores import Document, StoreUnavailable
from streaming.summaries.key_limit import USUAL

GONE, STAYS = PSEUDONYMS.user("u1"), PSEUDONYMS.user("u2")
PERSONS = Persons(PSEUDONYMS, {GONE: Traces()})
BEFORE_MS = {GONE: 100}


def stored(session: StoredSession) -> Document:
    return {"_id": session.session_pseudonym, **msgspec.to_builtins(session)}


def a_store() -> InMemorySessions:
    store = InMemorySessions()
    store.insert(
        [
            stored(valid_session(user_id=user, session_id=f"s{at}", raw_offset=at, arrived_at_ms=arrived_ms))
            for at, (user, arrived_ms) in enumerate([("u1", 1), ("u2", 1), ("u1", 99), ("u1", 100)])
        ]
    )
    return store


def test_what_came_before_the_request_is_replaced_and_nothing_else() -> None:
    store, before = a_store(), a_store()
    assert sessions.erase_sessions(store, PERSONS, BEFORE_MS, USUAL) == 2
    left = [one for one in store.scan() if "erased" in one]
    assert {one["_id"] for one in left} == {"erased:0:0:1", "erased:0:2:99"}
    others = {one["_id"] for one in before.scan()} & {one["_id"] for one in store.scan()}
    assert {store.by_id[id_]["rawOffset"] for id_ in others} == {1, 3}
    assert all(store.by_id[id_] == before.by_id[id_] for id_ in others)
    assert sessions.erase_sessions(store, PERSONS, BEFORE_MS, USUAL) == 0


@pytest.mark.parametrize("killed_at", range(4))
def test_killed_at_any_step_it_goes_on(killed_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "STEP", 1)
    wanted, store = a_store(), a_store()
    sessions.erase_sessions(wanted, PERSONS, BEFORE_MS, USUAL)
    steps = 0

    class Dying(InMemorySessions):
        def _answer(self) -> None:
            nonlocal steps
            steps += 1
            if steps > killed_at:
                raise StoreUnavailable("killed")

    dying = Dying()
    dying.by_id = store.by_id
    with pytest.raises(StoreUnavailable):
        sessions.erase_sessions(dying, PERSONS, BEFORE_MS, USUAL)
    sessions.erase_sessions(store, PERSONS, BEFORE_MS, USUAL)
    assert store.by_id == wanted.by_id


def test_what_no_stage_wrote_goes_whole() -> None:
    store = InMemorySessions()
    store.insert([{"_id": "x", "userPseudonym": GONE, "arrivedAtMs": 1, "name": "Ada"}])
    assert sessions.erase_sessions(store, PERSONS, BEFORE_MS, USUAL) == 1
    assert list(store.scan()) == []


def test_sessions_say_whose_they_are() -> None:
    known = sessions.known_of([stored(valid_session()), {"_id": "no session"}])
    assert known.found_by == {"u1", "ada@example.org"}
    assert "Ada Lovelace" in known.names


ROWS = [
    {"_id": GONE, "neighbours": [{"userPseudonym": STAYS, "jaccard": 0.5}], "run": "r"},
    {"_id": STAYS, "neighbours": [{"userPseudonym": GONE, "jaccard": 0.5}], "run": "r"},
    {"_id": "c", "neighbours": [{"userPseudonym": STAYS, "jaccard": 0.7}]},
]


def test_a_person_is_nobodys_neighbour(tmp_path: Path) -> None:
    file = tmp_path / "similar_users.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in ROWS))
    assert similar_users.erase_from_file(file, PERSONS) == 2
    assert GONE.encode() not in file.read_bytes()
    rows = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    assert rows == [{"_id": STAYS, "neighbours": [], "run": "r"}, ROWS[2]]
    written = file.stat().st_mtime_ns
    assert similar_users.erase_from_file(file, PERSONS) == 0
    assert file.stat().st_mtime_ns == written
    assert similar_users.erase_from_file(tmp_path / "none", PERSONS) == 0


def test_of_rows_of_others_only_what_names_the_person_is_told() -> None:
    assert [sessions.about(row, PERSONS) for row in ROWS[:2]] == [
        ROWS[0],
        {"neighbours": [{"userPseudonym": GONE, "jaccard": 0.5}]},
    ]
