"""No command lets a value from outside act on the terminal: each prints one that tries to, and shows it."""

import argparse
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

import stack.__main__ as vitrine
from ml.budget import command as budget
from ml.budget.overview import ChargeSeen, Overview
from ml.score import command as score
from stack import commands, doors, handlers, interrupted_restore, status
from stack.layout import Layout
from streaming import command_failure
from streaming.contract.log_position import LogPosition
from streaming.distinct import command as distinct
from streaming.file_import import assignment
from streaming.file_import import command as ingest
from streaming.kafka import clients
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.process.logs import JsonLines
from streaming.reconcile import caught_up, recompute
from streaming.reconcile import command as reconcile
from streaming.reconcile.report import Discrepancy
from streaming.replay import log
from streaming.replay import rejected_command as rejected
from streaming.replay.history import History, Rejected
from streaming.retention.boundary import NOTHING_EXPIRED
from streaming.stores import StoreUnavailable
from streaming.summaries import submitter
from streaming.unlisted_words import command as words

EVIL = "x\x1b]0;pwned\x07\x1b[2J\nforged [red]line[/red] :skull:\r\u202etxt.exe\x7f\x9b"
SHOWN = r"x\u001b]0;pwned\u0007\u001b[2J\u000aforged [red]line[/red] :skull:\u000d\u202etxt.exe\u007f\u009b"


def shows_it(printed: str) -> None:
    """All lines are printable, and the value can be read on one of them."""
    assert all(line.isprintable() for line in printed.split("\n")), ascii(printed)
    assert any(SHOWN in line for line in printed.split("\n")), printed


def means_it(printed: str) -> Any:
    """One line of printable JSON; returns its value."""
    assert printed.removesuffix("\n").isprintable(), ascii(printed)
    return json.loads(printed)


@pytest.fixture(autouse=True)
def a_wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")


def test_score() -> None:
    why = {"feature": "device", "value": EVIL, "says": "…"}
    results = [
        {"session": EVIL, "score": 0.57, "reasons": [why], "not_known": []},
        {"line": 2, "rejected": "wrong_type", "detail": EVIL},
    ]
    told = score._text({"model": "boosted_trees", "run": EVIL, "results": results})
    shows_it(told)
    assert told.count(SHOWN) == 4


def test_purge(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from stack import purge as removal
    from streaming.purge import run

    monkeypatch.setattr(run, "count", lambda feed: 3)
    monkeypatch.setattr(removal, "run", lambda feed, tell: run.Purged(3, 4, 5, 6, 7))
    monkeypatch.setattr(removal, "resume", lambda feed, tell: None)
    for yes in (False, True):
        asked = argparse.Namespace(feed=EVIL, yes=yes, json=False)
        assert handlers.purge(asked) == ExitCode.DONE
        shows_it(capsys.readouterr().out)
        asked.json = True
        assert handlers.purge(asked) == ExitCode.DONE
        found = means_it(capsys.readouterr().out)
        assert (found["feed"], found["sessions"], found["done"]) == (EVIL, 3, yes)

    def nothing(feed: str) -> int:
        raise InvalidRequest(f"there is no session of the feed {feed}")

    monkeypatch.setattr(run, "count", nothing)
    assert handlers.purge(asked) == ExitCode.INVALID_REQUEST
    shows_it(capsys.readouterr().err)


def test_person(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from stack import person, person_command
    from streaming.person.erasures import Amount
    from streaming.person.places import SESSIONS

    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VITRINE_PSEUDONYM_KEY", "a key for the tests of Vitrine")
    kept = {SESSIONS: lambda: iter([{"_id": EVIL, "country": EVIL}])}
    monkeypatch.setattr(person_command, "_records", lambda user, id_: kept)
    monkeypatch.setattr(person, "backups", lambda *_: [Amount("files", None, told=EVIL)])
    asked = argparse.Namespace(
        deed="status", id=EVIL, pending=False, out=None, why=EVIL, timeout=1.0, json=False
    )
    assert person_command.run(asked) == ExitCode.DONE
    shows_it(capsys.readouterr().out)
    asked.json = True
    assert person_command.run(asked) == ExitCode.DONE
    assert means_it(capsys.readouterr().out)["places"][1]["told"] == EVIL
    asked.deed = "export"
    assert person_command.run(asked) == ExitCode.DONE
    assert means_it(capsys.readouterr().out)["places"][SESSIONS] == [{"_id": EVIL, "country": EVIL}]


def test_score_says_which_runs_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    def ask() -> int:
        raise score.CannotScore(f"there is no run {EVIL} in the model registry; there are: {EVIL}")

    assert command_failure.carried_out(ask) == ExitCode.INVALID_REQUEST
    printed = capsys.readouterr().err
    shows_it(printed)
    assert printed.count("\n") == 1


def test_a_component_that_is_away(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise StoreUnavailable("away:\n\x1b[2J")

    assert command_failure.carried_out(fail) == ExitCode.UNAVAILABLE
    assert capsys.readouterr().err == "vitrine: away:\n\\u001b[2J. Is it up? ./vitrine status\n"


def test_budget() -> None:
    charge = ChargeSeen(EVIL, "2026-01-01", (), EVIL, False, 1.0, None)
    raised = {"at": "2026-01-01", "who": EVIL, "epsilon": 1.0, "block": None, "why": EVIL}
    deed = {"at": "2026-01-01", "who": EVIL, "what": "shorter", "why": EVIL}
    lists = {"charges": (charge,), "raises": (raised,), "acceptances": (deed,)}
    fields = dict.fromkeys(Overview.__struct_fields__, 1)
    seen = Overview(**fields | lists | {"blocks": (), "dataset": "d"})  # type: ignore[arg-type]
    told = budget._text(seen)
    shows_it(told)
    assert told.count(SHOWN) == 6


@pytest.mark.parametrize("as_json", [False, True])
def test_rejected(as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    one = Rejected(LogPosition(0, 1), EVIL, EVIL, 0, None, None)
    history = History([], {0: 2})
    history.add_rejection(one.position, one.reason)
    monkeypatch.setattr(clients, "require", lambda settings: None)
    monkeypatch.setattr(log, "history", lambda settings: history)
    monkeypatch.setattr(log, "rejections", lambda settings, window: iter([one]))
    assert rejected.run(EVIL, None, None, as_json=as_json) == ExitCode.DONE
    printed = capsys.readouterr().out
    if as_json:
        assert means_it(printed)["messages"][0]["detail"] == EVIL
    else:
        shows_it(printed)
        assert printed.count("\n") == 1


@pytest.mark.parametrize("as_json", [False, True])
def test_words(as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Sessions:
        def scan(self) -> list[dict[str, str]]:
            return [{"country": EVIL}, {"country": "[red]rare[/red]"}] + [{"country": EVIL}] * 4

    monkeypatch.setattr(words, "MongoSessions", lambda settings: Sessions())
    arguments = argparse.Namespace(json=as_json, most=10, least=5)
    assert words.run(arguments) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert "rare" not in printed
    if as_json:
        assert means_it(printed)["fields"]["country"]["words"] == [{"word": EVIL, "sessions": 5}]
    else:
        shows_it(printed)


def test_rejected_counts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(clients, "require", lambda settings: None)
    monkeypatch.setattr(log, "history", lambda settings: None)
    monkeypatch.setattr(log, "rejections", lambda settings, window: iter([]))
    monkeypatch.setattr(rejected, "counts", lambda *_: {"open": {EVIL: 1}})
    assert rejected.run(None, None, None, count=True) == ExitCode.DONE
    shows_it(capsys.readouterr().out)


def test_reconcile(capsys: pytest.CaptureFixture[str]) -> None:
    Console(stderr=True).print(
        reconcile.line_of(Discrepancy("mongodb", "is missing", session=EVIL)), soft_wrap=True
    )
    shows_it(capsys.readouterr().err)


def test_recompute(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = recompute.Recomputed(holds=False, sessions=1, windows=1, left_out=0, breaks_in_all=1)
    found.breaks.append(Discrepancy("product_activity", "is missing", document=EVIL))
    monkeypatch.setattr(recompute, "carried_out", lambda command, failure: command())
    monkeypatch.setattr(recompute, "recompute", lambda *_: found)
    for name in ("KafkaSettings", "ElasticsearchSettings", "MongoSettings"):
        monkeypatch.setattr(recompute, name, SimpleNamespace)
    monkeypatch.setattr(recompute, "PseudonymSettings", lambda: SimpleNamespace(pseudonyms=None))
    away = SimpleNamespace(
        refresh=lambda name: None, scan=lambda *_: [], valid_from={}, until={}, read_all=lambda *_: []
    )
    monkeypatch.setattr(recompute, "ElasticsearchIndex", lambda settings: away)
    monkeypatch.setattr(recompute, "MongoSessions", lambda settings: away)
    monkeypatch.setattr(recompute, "clients", away)
    monkeypatch.setattr(recompute, "boundaries", lambda: NOTHING_EXPIRED)
    monkeypatch.setattr(caught_up, "wait", lambda *_: away)
    assert recompute.run(False, 1) == ExitCode.NOT_SO
    shows_it(capsys.readouterr().err)
    assert recompute.run(True, 1) == ExitCode.NOT_SO
    assert means_it(capsys.readouterr().out)["breaks"][0]["document"] == EVIL


def test_distinct() -> None:
    answer = {"users": 1, "from": "a", "to": "b", "cut": {"country": EVIL}}
    shows_it(distinct._text(answer | {"whole_since": None, "days_since": None}))


def test_ingest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    result = ingest.ImportResult(1, 1, 0, {EVIL: 1})
    monkeypatch.setattr(ingest, "ingest", lambda *_, **__: result)
    assert ingest.run(tmp_path, {}, as_json=False) == ExitCode.DONE
    shows_it(capsys.readouterr().out)


@pytest.mark.parametrize("name", ["city", "referrer"])
def test_ingest_assigns_no_such_value(name: str) -> None:
    with pytest.raises(InvalidRequest, match=f"--set {name}: the value holds a control"):
        assignment.check({name: "a\u202eb"})


def test_status(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(status, "lag", lambda place: {EVIL: 1})
    monkeypatch.setattr(status, "login", lambda place: "Airflow: [red]password[/red] :skull:")
    monkeypatch.setattr(doors, "kept_out", lambda place: True)
    monkeypatch.setattr(doors, "kept", lambda place: "1")
    monkeypatch.setattr(interrupted_restore, "of", lambda layout: EVIL)
    row = status.Row("gate", "running", 1, 1, False, EVIL, EVIL, 1)
    monkeypatch.setattr(status, "Console", lambda **kinds: Console(**{**kinds, "width": 900}))
    status.print_table(SimpleNamespace(layout=None), [row])  # type: ignore[arg-type]
    printed = capsys.readouterr().out
    shows_it(printed)
    assert printed.count(SHOWN) == 4
    assert "[red]password[/red] :skull:" in printed


def test_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    here = Layout(tmp_path)
    here.log("supervisor").parent.mkdir(parents=True)
    here.log("supervisor").write_bytes(f"one\n{EVIL}\n".encode())
    monkeypatch.setattr(handlers, "HERE", here)
    asked = argparse.Namespace(service="supervisor", json=False, lines=9, follow=False)
    assert handlers.logs(asked) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert printed == "one\n" + SHOWN.replace(r"\u000a", "\n") + "\n"


def test_the_command_itself(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(arguments: argparse.Namespace) -> int:
        raise InvalidRequest(EVIL)

    monkeypatch.setattr(commands, "parse", lambda words: argparse.Namespace(command=refuse))
    assert vitrine.main() == ExitCode.INVALID_REQUEST
    shows_it(capsys.readouterr().err)


def test_log_lines() -> None:
    record = logging.makeLogRecord({"msg": "refused", "detail": EVIL})
    line = JsonLines().format(record)
    assert line.isprintable()
    assert json.loads(line)["detail"] == EVIL


def test_the_submitter(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(*_: Any) -> None:
        raise submitter.SubmissionRefused(f"first line\n\tat {EVIL}")

    monkeypatch.setenv("FLINK_HOME", "/flink")
    monkeypatch.setattr(submitter, "overview", lambda rest: {"jobs": []})
    monkeypatch.setattr(submitter, "submit_from_newest", refuse)
    assert submitter.main() == 1
    printed = capsys.readouterr().out
    assert all(line.isprintable() for line in printed.split("\n")), ascii(printed)
    assert SHOWN.partition("\\u000a")[0] in printed
