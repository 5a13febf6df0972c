"""`./vitrine budget` from its command line to its JSON."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from ml.budget import command
from ml.budget.account import OverBudget, Raise, Request
from ml.budget.arguments import add_arguments
from ml.budget.ledger import Ledger
from ml.budget.memory import InMemoryAccounts
from ml.budget.settings import BudgetSettings
from ml.privacy import renyi
from streaming.access_record.file import os_user, stored_record

WEEK_MS = 7 * 86_400_000


@pytest.fixture
def store() -> InMemoryAccounts:
    return InMemoryAccounts()


@pytest.fixture
def books(store: InMemoryAccounts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ledger:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    found = Ledger(store, store.outer, "sessions", BudgetSettings(epsilon=4.0))
    monkeypatch.setattr(command, "stored_ledger", lambda: found)
    return found


def pay(books: Ledger, key: str) -> None:
    costs = (renyi.gaussian(0.6),)
    books.charge(Request(key, (2_900 * WEEK_MS,), 1, True, 0, costs, "3 models", "2026-11-24T12:00:00+00:00"))


def ask(*words: str) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_arguments(parser)
    return command.run(parser.parse_args(words))


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert ask(*words, "--json") == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_an_untouched_budget(books: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys)
    assert (found["dataset"], found["epsilon"], found["blocks"]) == ("sessions", 4.0, [])
    assert found["lifetime"] == {"epsilon": 0.0, "delta": 1e-5, "charges": 0}
    assert ask() == 0
    assert "nothing has been charged" in capsys.readouterr().out


def test_what_is_spent_and_left(books: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    pay(books, "run-1.abc")
    books.release("run-1.abc", "d1ge57", "attempt", "2026-11-24T12:30:00+00:00")
    found = answer(capsys)
    [block] = found["blocks"]
    assert (block["from"], block["to"], block["charges"]) == ("2025-07-31", "2025-08-07", 1)
    assert block["spent"] + block["left"] == pytest.approx(4.0)
    [charge] = found["charges"]
    assert charge["epsilon"] == pytest.approx(block["spent"])
    assert (charge["key"], charge["blocks"], charge["released"]) == ("run-1.abc", ["2025-07-31"], "d1ge57")
    assert found["lifetime"]["epsilon"] >= block["spent"]
    assert ask() == 0
    told = capsys.readouterr().out
    assert f"{block['left']:.2f} left" in told
    assert "run-1.abc" in told


def test_a_budget_is_set_for_one_block_or_for_future_blocks(
    books: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(20):
        try:
            pay(books, str(number))
        except OverBudget:
            break
    assert ask("set", "--epsilon", "9", "--block", "2025-08-06", "--why", "agreed") == 0
    pay(books, "more")
    assert ask("set", "--epsilon", "2", "--delta", "1e-6", "--why", "sterner from now on") == 0
    capsys.readouterr()
    found = answer(capsys)
    assert found["blocks"][0]["epsilon"] == 9.0
    assert (found["epsilon"], found["delta"]) == (2.0, 1e-6)
    assert [(change["block"], change["why"]) for change in found["raises"]] == [
        (None, "sterner from now on"),
        ("2025-07-31", "agreed"),
    ]
    assert all(change["who"] for change in found["raises"])


def test_a_change_is_in_the_access_record_and_so_is_one_that_is_refused(
    books: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in ("LOGNAME", "USER"):
        monkeypatch.setenv(variable, "somebody-else")
    assert ask("set", "--epsilon", "9", "--block", "2025-08-06", "--why", "agreed") == 0
    monkeypatch.setattr(books, "set_budget", refuse)
    assert ask("set", "--epsilon", "1", "--why", "less") == 2
    entries = list(reversed(stored_record().newest(10)))
    assert [(entry.did, entry.what, entry.why) for entry in entries] == [
        ("budget change", "(9, 1e-05) for 2025-08-06 of sessions", "agreed"),
        ("budget change", "(1, 1e-05) for new blocks of sessions", "less"),
        ("budget change refused", "(1, 1e-05) for new blocks of sessions", "less"),
    ]
    assert {entry.who for entry in entries} == {os_user()}


def test_what_cannot_be_recorded_is_not_changed(
    books: Ledger, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "accesses").write_text("no folder")
    assert ask("set", "--epsilon", "9", "--why", "agreed") == 3
    assert "cannot be written" in capsys.readouterr().err
    assert books.account().raises == ()


def refuse(change: Raise) -> None:
    raise ValueError("not this")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["set", "--epsilon", "9"], "--why"),
        (["set", "--why", "x"], "--epsilon"),
        (["set", "--epsilon", "9", "--why", "x", "--block", "yesterday"], "yesterday"),
    ],
    ids=str,
)
def test_an_invalid_budget_changes_nothing(
    books: Ledger, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    assert ask(*words) == 2
    assert says in capsys.readouterr().err
    assert books.account().raises == ()


@pytest.mark.parametrize(
    "words", [["set", "--epsilon", "0"], ["set", "--epsilon", "nan"], ["set", "--delta", "1"]]
)
def test_impossible_numbers_are_a_wrong_command_line(books: Ledger, words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        ask(*words)
    assert ended.value.code == 2


def test_without_mongodb(books: Ledger, store: InMemoryAccounts, capsys: pytest.CaptureFixture[str]) -> None:
    store.unavailable = True
    assert ask() == 3
    assert "the store is unavailable" in capsys.readouterr().err
