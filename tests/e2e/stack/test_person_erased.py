"""A person is planted in every store of the running stack through all DAGs, erased by the command, and is
nowhere any more, whatever is rebuilt and sent again; the stores agree."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.sessions import PSEUDONYMS, session_with
from support.traces import of_elasticsearch, of_files, of_kafka, of_mongodb, of_redis, places_of
from waiting import HUNG_S, until

from stack.airflow_api import AirflowApi
from stack.context import this_checkout
from stack.layout import HERE
from streaming.contract import topics
from streaming.contract.valid_session import sent
from streaming.kafka import clients
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings, RedisSettings

ID, NAME, EMAIL = "quixotry.jazzwork@mail.example", "Quixotry Jazzwork", "qjazzwork@home.example"
WORDS = (ID, NAME, EMAIL, PSEUDONYMS.user(ID))
ENDED = ("success", "failed", "skipped")
pytestmark = [pytest.mark.alone, pytest.mark.timeout(20 * HUNG_S)]


def vitrine(*arguments: str, given: str = "", fails: bool = False) -> Any:
    # Without the addresses that tests are given: the command knows the settings of the running stack.
    own = {name: value for name, value in os.environ.items() if not name.startswith(("VITRINE_", "MONGO_"))}
    done = subprocess.run(
        [str(HERE.root / "vitrine"), *arguments, "--json"],
        env=own,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=20 * HUNG_S,
    )
    assert ID not in done.stderr
    assert fails or done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else {}


def send(*messages: tuple[bytes | None, bytes]) -> None:
    kafka = KafkaSettings()
    sender = clients.producer(kafka)
    for key, value in messages:
        sender.produce(clients.name(kafka, topics.RAW), value, key)
    assert sender.flush(HUNG_S) == 0


def a_session(user: str, number: int) -> tuple[bytes, bytes]:
    told = {"name": NAME, "email": EMAIL} if user == ID else {"name": "", "email": ""}
    one = session_with(
        ("p", "Chair", 2.5, "chairs", "view"),
        ("p", f"for {NAME}" if user == ID else "Chair", 2.5, "chairs", "purchase"),
        user_id=user,
        session_id=f"{user}-{number}",
        event_time_ms=time.time_ns() // 1_000_000,
        **told,
    )
    return user.encode(), msgspec.json.encode(sent(one))


def run(api: AirflowApi, dag: str, conf: dict[str, Any] | None = None) -> str:
    """Runs a DAG to its end, whatever that is: with few sessions no model is trained."""
    began = api.trigger(dag, conf)

    def state() -> str | None:
        of = next((one for one in api.runs(dag, "2026-01-01") if one.run_id == began.run_id), None)
        return of.state if of and of.state in ENDED else None

    return str(until(state, f"the end of {dag}", hung_s=4 * HUNG_S))


def found() -> set[str]:
    """The places that know the person; the erasure list knows the pseudonym."""
    places = places_of(
        WORDS,
        of_kafka(KafkaSettings()),
        of_mongodb(MongoSettings()),
        of_elasticsearch(ElasticsearchSettings()),
        of_redis(RedisSettings()),
        of_files(HERE.data, HERE.logs, HERE.airflow),
    )
    return {one for one in places if not one.startswith(str(HERE.data / "erasures"))}


def test_a_person_is_nowhere_after_everything_was_made_again(tmp_path: Path) -> None:
    assert found() == set()
    before = vitrine("reconcile")["erased"]
    send(
        *(a_session(ID, number) for number in range(3)),
        a_session(ID, 0),
        *(a_session(f"visitor {number}", number) for number in range(60)),
        (ID.encode(), b"no JSON"),
        (None, b'{"email": "%s", "clicks": ' % EMAIL.encode()),
    )
    api = AirflowApi(this_checkout())
    assert run(api, "extract_sessions") == "success"
    assert run(api, "similar_users") == "success"
    for dag in ("private_models", "shap_reports", "reconcile_stores"):
        run(api, dag)
    kept = {one["place"]: one["records"] for one in vitrine("person", "status", "-", given=ID)["places"]}
    for place in ("mongodb sessions", "extracts", "mongodb similar_users", f"kafka {topics.REJECTED}"):
        assert kept[place], kept
    exported = vitrine("person", "export", "-", given=ID)
    assert len(exported["places"]["mongodb sessions"]) == 3
    assert found()

    began_s = time.monotonic()
    erased = vitrine("person", "erase", "-", "--why", "a test", given=ID)
    assert time.monotonic() - began_s < 3_600
    assert erased["state"] == "done"
    assert found() == set()

    vitrine("resummarise")
    vitrine("rejected", "--all", "--out", str(tmp_path / "rejected.jsonl"))
    vitrine("replay", str(tmp_path / "rejected.jsonl"), fails=True)
    vitrine("distinct", "--from", "2026-01-01", "--to", "2027-12-31", "--recount")
    assert run(api, "extract_sessions", {"from": "2000-01-01T00:00:00Z", "to": None}) == "success"
    assert run(api, "similar_users") == "success"
    assert run(api, "retention") == "success"
    assert run(api, "person") == "success"
    report = vitrine("reconcile")
    assert report["holds"]
    assert report["erased"] == before + 3
    assert vitrine("recompute")["holds"]
    assert found() == set()
    assert ID not in (tmp_path / "rejected.jsonl").read_text()
    assert vitrine("person", "status", "-", given=ID)["state"] == "done"
