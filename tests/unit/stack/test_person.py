"""`./vitrine person`: what is asked, recorded first, printed, and left to be gone on with."""

import argparse
import io
import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stack import interrupted_rewrite, lifecycle, person, person_command, resummarise
from stack.layout import Layout
from stack.service import StackContext, StackError
from streaming.access_record.file import stored_record
from streaming.kafka import offsets
from streaming.kafka.offsets import StageBehind
from streaming.person.erasure_list import stored_list
from streaming.person.erasures import Amount, Request
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.settings import KafkaSettings, PseudonymSettings
from streaming.stores import StoreUnavailable

ID = "ada@example.org"
KEY = "a key for the tests of Vitrine"
MOMENT_MS = 2_000_000_000_000


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: StackContext) -> None:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VITRINE_BACKUP_DIR", str(tmp_path / "backups"))
    monkeypatch.setenv("VITRINE_PSEUDONYM_KEY", KEY)
    monkeypatch.setattr(person_command, "this_checkout", lambda: place)
    monkeypatch.setattr(person, "this_checkout", lambda: place)
    holds(monkeypatch)


def holds(monkeypatch: pytest.MonkeyPatch, **places: list[Any]) -> None:
    def read(rows: list[Any]) -> Any:
        def begin() -> Iterator[Any]:
            return iter(rows)

        return begin

    found = {place: read(rows) for place, rows in {"mongodb sessions": [], **places}.items()}
    monkeypatch.setattr(person_command, "_records", lambda user, id_: found)


def asked(deed: str, id_: str | None = ID, **more: Any) -> argparse.Namespace:
    given = {"pending": False, "out": None, "why": "they asked", "timeout": 1.0, "json": True}
    return argparse.Namespace(deed=deed, id=id_, **given | more)


def user() -> str:
    return PseudonymSettings().pseudonyms.user(ID)


def recorded() -> list[tuple[str, str | None]]:
    record = stored_record()
    theirs = record.whose("user", user())
    return [(entry.did, entry.why) for entry in record.newest(9) if entry.whose == theirs]


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("deed", ["status", "export", "erase"])
def test_somebody_unknown_is_a_wrong_request(deed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert person_command.run(asked(deed)) == ExitCode.INVALID_REQUEST
    told = capsys.readouterr().err
    assert "exactly as the shop sends it" in told
    assert ID not in told
    assert stored_list().requests() == []


def test_status_counts_every_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    holds(monkeypatch, extracts=[{}, {}])
    assert person_command.run(asked("status")) == ExitCode.DONE
    found = printed(capsys)
    assert [(one["place"], one["records"]) for one in found["places"]] == [
        ("mongodb sessions", 0),
        ("extracts", 2),
    ]
    assert found["state"] is None
    assert recorded() == [("look-up", "they asked")]


def test_an_export_is_for_its_owner_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    holds(monkeypatch, extracts=[{"country": "Germany"}])
    out = tmp_path / "export.json"
    assert person_command.run(asked("export", out=out)) == ExitCode.DONE
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    found = json.loads(out.read_bytes())
    assert found["places"]["extracts"] == [{"country": "Germany"}]
    assert (found["userId"], found["userPseudonym"]) == (ID, user())
    assert [one["did"] for one in found["accesses"]] == ["export"]
    assert found["erasures"] == []
    assert person_command.run(asked("export", out=out)) == ExitCode.INVALID_REQUEST  # it is there
    capsys.readouterr()
    assert person_command.run(asked("export")) == ExitCode.DONE
    assert printed(capsys)["places"] == found["places"]
    assert recorded() == [("export", "they asked")] * 3


def test_an_id_may_come_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    holds(monkeypatch, extracts=[{}])
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{ID}\n"))
    assert person_command.run(asked("export", "-")) == ExitCode.DONE
    assert printed(capsys)["userId"] == ID
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    for given in ("-", None):
        assert person_command.run(asked("status", given)) == ExitCode.INVALID_REQUEST
    assert person_command.run(asked("status", pending=True)) == ExitCode.INVALID_REQUEST
    assert person_command.run(asked("erase", pending=True)) == ExitCode.INVALID_REQUEST


class Stack:
    """What is done to services and places, in order; `fails_at` raises once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.fails_at = ""
        monkeypatch.setattr(person, "require_migrated", lambda: None)
        monkeypatch.setattr(person, "require_stopped", lambda *_: None)
        monkeypatch.setattr(person, "wait_decided", self.decide)
        monkeypatch.setattr(resummarise, "stop", lambda *_: self.step("stopped"))
        monkeypatch.setattr(person, "erase", self.erase)
        monkeypatch.setattr(lifecycle, "bring_up", lambda names, _: self.step(f"up {len(names)}"))

    def step(self, what: str) -> None:
        self.done.append(what)
        if what == self.fails_at:
            self.fails_at = ""
            raise StageBehind("behind") if what == "decided" else StoreUnavailable("away")

    def decide(self, *_: object) -> int:
        self.step("decided")
        return MOMENT_MS

    def erase(self, requests: list[Request], ids: dict[str, str], tell: Any) -> list[Amount]:
        assert all(one.begun_ms is not None for one in requests)
        self.step("erased")
        return [Amount("mongodb sessions", len(requests))]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    holds(monkeypatch, extracts=[{}])
    return Stack(monkeypatch)


def test_erasing_waits_stops_erases_and_starts_again(
    stack: Stack, capsys: pytest.CaptureFixture[str], place: StackContext
) -> None:
    assert person_command.run(asked("erase")) == ExitCode.DONE
    assert printed(capsys) == {
        "places": [{"place": "mongodb sessions", "records": 1, "until_ms": None, "told": ""}],
        "state": "done",
    }
    assert stack.done == ["up 4", "decided", "stopped", "erased", "up 4"]
    assert recorded() == [("erasure", "they asked")]
    interrupted_rewrite.require_none(place.layout)
    assert [one.begun_ms for one in stored_list().requests()] == [MOMENT_MS]


def test_the_moment_is_that_before_which_the_gate_has_decided_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not that at which it had: what came meanwhile may be in the raw topic yet."""
    moments: list[int] = []

    def note(*_: object) -> dict[int, int]:
        moments.append(time.time_ns() // 1_000_000)
        return {}

    def wait(*_: object) -> None:
        note()
        time.sleep(0.02)

    monkeypatch.setattr(offsets, "ends", note)
    monkeypatch.setattr(offsets, "wait_past", wait)
    assert person.wait_decided(KafkaSettings(), 1.0) <= moments[0]


def test_done_once_it_tells_what_was_done(
    stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert person_command.run(asked("erase")) == ExitCode.DONE
    first = printed(capsys)
    holds(monkeypatch)
    assert person_command.run(asked("erase")) == ExitCode.DONE
    assert printed(capsys) == first
    assert len(stored_list().requests()) == 1


def test_status_names_the_backups_that_still_have_the_person(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def backups() -> list[str]:
        assert person_command.run(asked("status")) == ExitCode.DONE
        return [one["told"][:20] for one in printed(capsys)["places"] if one["place"] == "backups"]

    for name in ("2020-01-01T08-00-00Z", "2120-01-01T08-00-00Z"):
        (tmp_path / "backups" / name).mkdir(parents=True)
        (tmp_path / "backups" / name / "manifest.json").write_text("{}")
    assert backups() == ["2020-01-01T08-00-00Z", "2120-01-01T08-00-00Z"]
    assert person_command.run(asked("erase")) == ExitCode.DONE
    assert [one["told"][:4] for one in printed(capsys)["places"][1:]] == ["2020", "2120"]
    holds(monkeypatch)
    assert backups() == ["2020-01-01T08-00-00Z"]  # the other was made after it


@pytest.mark.parametrize("where", ["decided", "stopped", "erased"])
def test_interrupted_it_goes_on_and_no_stage_starts_before(
    stack: Stack, where: str, capsys: pytest.CaptureFixture[str], place: StackContext
) -> None:
    stack.fails_at = where
    assert person_command.run(asked("erase")) == ExitCode.UNAVAILABLE
    assert "give the same command again" in capsys.readouterr().err
    touched = where == "erased"
    if touched:
        with pytest.raises(StackError, match=r"person erase --pending"):
            interrupted_rewrite.require_none(place.layout)
    stack.done.clear()
    assert person_command.run(asked("erase")) == ExitCode.DONE
    # The components alone come up, as no stage may see what is half written.
    assert stack.done == ["up 4", *([] if touched else ["decided"]), "stopped", "erased", "up 4"]
    [request] = stored_list().requests()
    assert request.state == "done"


def test_stages_elsewhere_are_told_and_the_own_ones_start_again(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: StackContext
) -> None:
    def elsewhere(*_: object) -> None:
        raise InvalidRequest("stages run on another machine")

    monkeypatch.setattr(person, "require_stopped", elsewhere)
    assert person_command.run(asked("erase")) == ExitCode.INVALID_REQUEST
    assert "another machine" in capsys.readouterr().err
    assert stack.done == ["up 4", "decided", "stopped", "up 4"]
    interrupted_rewrite.require_none(place.layout)


def test_stages_elsewhere_keep_what_was_interrupted_from_starting(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: StackContext
) -> None:
    """It is told that they run elsewhere, and not that something was interrupted."""
    stack.fails_at = "erased"
    assert person_command.run(asked("erase")) == ExitCode.UNAVAILABLE
    stack.done.clear()
    capsys.readouterr()

    def elsewhere(*_: object) -> None:
        raise InvalidRequest("stages run on another machine")

    monkeypatch.setattr(person, "require_stopped", elsewhere)
    assert person_command.run(asked("erase")) == ExitCode.INVALID_REQUEST
    assert "another machine" in capsys.readouterr().err
    assert stack.done == ["up 4", "stopped"]


def test_what_was_interrupted_is_completed_before_anybody_else_is_erased(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of others, messages may be on their way until the gate, which is stopped, has decided them."""
    stack.fails_at = "erased"
    assert person_command.run(asked("erase")) == ExitCode.UNAVAILABLE
    stored_list().request("b" * 32)
    stack.done.clear()
    capsys.readouterr()
    assert person_command.run(asked("erase", None, pending=True)) == ExitCode.DONE
    whole = ["stopped", "erased", "up 4"]
    assert stack.done == ["up 4", *whole, "up 4", "decided", *whole]
    assert [one["records"] for one in printed(capsys)["places"]] == [1, 1]
    assert {one.state for one in stored_list().requests()} == {"done"}


def test_pending_requests_are_carried_out_together(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    for one in ("a" * 32, "b" * 32):
        stored_list().request(one)
    assert person_command.run(asked("erase", None, pending=True)) == ExitCode.DONE
    assert printed(capsys)["places"][0]["records"] == 2
    assert stack.done.count("erased") == 1
    assert person_command.run(asked("erase", None, pending=True)) == ExitCode.DONE
    assert stack.done.count("erased") == 1


def test_killed_at_its_very_end_the_stages_start_again(stack: Stack, place: StackContext) -> None:
    interrupted_rewrite.begin(place.layout, person.COMMAND, ["gate"])
    assert person_command.run(asked("erase", None, pending=True)) == ExitCode.DONE
    assert stack.done == ["up 4", "stopped", "erased", "up 4"]
    interrupted_rewrite.require_none(place.layout)


def test_another_interrupted_rewrite_comes_first(stack: Stack, place: StackContext) -> None:
    interrupted_rewrite.begin(place.layout, "./vitrine purge live --yes", ["gate"])
    with pytest.raises(StackError, match="purge live"):
        person_command.run(asked("erase"))
    assert stack.done == []


def test_the_mark_of_a_rewrite(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert interrupted_rewrite.services(layout) == []
    interrupted_rewrite.require_none(layout)
    layout.state.mkdir(exist_ok=True)
    interrupted_rewrite.begin(layout, "the command", ["gate", "airflow-scheduler"])
    assert interrupted_rewrite.services(layout) == ["gate", "airflow-scheduler"]
    interrupted_rewrite.require_none(layout, but="the command")
    with pytest.raises(StackError, match="the command"):
        interrupted_rewrite.require_none(layout)
    assert interrupted_rewrite.last_ms(layout) == 0
    interrupted_rewrite.end(layout)
    interrupted_rewrite.require_none(layout)
    assert interrupted_rewrite.last_ms(layout) > 0
