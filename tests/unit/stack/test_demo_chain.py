"""The demo's chain of DAGs on an Airflow in memory: which runs it triggers, and the resulting states."""

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from stack import demo
from stack.airflow_api import Run
from stack.demo_dags import notice

SPENT = {"spent": "The privacy budget does not allow this run."}
REFUSED = {"refused": "The privacy budget does not allow this run."}
BROKEN = {"broken": "The privacy ledger is shorter."}
TOO_SOON = {"too_soon": "The last models were released an hour ago."}
PAID = {"key": "run.123"}
ALL_WELL = dict.fromkeys((dag for dag, _ in demo.CHAIN), "success")
NO_MODELS = ALL_WELL | {"private_models": "skipped", "shap_reports": "skipped"}


class Airflow:
    """Each run ends at once. An extraction starts similar_users and, if `woken` is an answer of the ledger,
    models; models start a report if they were charged."""

    url = "http://airflow"

    def __init__(self, woken: Any, asked: Any = PAID, state: str = "success") -> None:
        self.woken, self.asked, self.state = woken, asked, state
        self.triggered: list[str] = []
        self.all: list[Run] = []
        self.by: dict[str, set[str]] = {}
        self.answers: dict[str, Any] = {}
        self.number = count(1)

    def dags(self) -> set[str]:
        return {dag for dag, _ in demo.CHAIN}

    def unpause(self, dag: str) -> None:
        pass

    def trigger(self, dag: str) -> Run:
        self.triggered.append(dag)
        return self.run(dag, self.asked)

    def run(self, dag: str, answer: Any, waker: str | None = None) -> Run:
        failed = dag == "private_models" and (answer is None or {"refused", "broken"} & answer.keys())
        state = "failed" if failed else self.state
        run = Run(dag, f"{dag}_{next(self.number)}", state, "2026-11-29T12:00:00Z")
        self.all.append(run)
        self.by[run.run_id] = {waker} if waker else set()
        if dag == "extract_sessions":
            self.run("similar_users", None, run.run_id)
            if self.woken is not None:
                self.run("private_models", self.woken, run.run_id)
        if dag == "private_models":
            self.answers[run.run_id] = answer
            if answer == PAID:
                self.run("shap_reports", None, run.run_id)
        return run

    def runs(self, dag: str, since: str) -> list[Run]:
        return [run for run in self.all if run.dag == dag]

    def woken_by(self, run: Run) -> set[str]:
        return self.by[run.run_id]

    def returned(self, run: Run, task: str) -> Any:
        assert task == "charge"
        return self.answers[run.run_id]


class Queueing(Airflow):
    """Models are queued at the first look; Airflow does not return yet which run started them."""

    looks = 3

    def runs(self, dag: str, since: str) -> list[Run]:
        runs = super().runs(dag, since)
        if dag != "private_models" or not runs:
            return runs
        self.looks -= 1
        return [replace(run, state="queued") for run in runs] if self.looks > 0 else runs

    def woken_by(self, run: Run) -> set[str]:
        return set() if run.state == "queued" else super().woken_by(run)


Outcome = tuple[dict[str, str], str | None]


@pytest.fixture
def run_dags(monkeypatch: pytest.MonkeyPatch) -> Callable[[Airflow], Outcome]:
    monkeypatch.setattr(demo, "POLL_S", 0)
    monkeypatch.setattr(demo, "WOKEN_WITHIN_S", 0)

    def run(airflow: Airflow) -> Outcome:
        return demo.run_dags(airflow, "2026-11-29T12:00:00Z", lambda step, state: None)  # type: ignore[arg-type]

    return run


def test_models_of_the_demos_extraction_are_not_triggered_again(
    run_dags: Callable[[Airflow], Outcome],
) -> None:
    airflow = Airflow(woken=PAID)
    assert run_dags(airflow) == (ALL_WELL, None)
    assert airflow.triggered == ["extract_sessions"]


def test_queued_models_are_waited_for_and_not_triggered_again(
    run_dags: Callable[[Airflow], Outcome],
) -> None:
    airflow = Queueing(woken=PAID)
    assert run_dags(airflow) == (ALL_WELL, None)
    assert airflow.triggered == ["extract_sessions"]


@pytest.mark.parametrize("woken", [TOO_SOON, None])
def test_models_are_triggered_if_the_extraction_came_too_soon_or_started_none(
    run_dags: Callable[[Airflow], Outcome], woken: Any
) -> None:
    airflow = Airflow(woken)
    assert run_dags(airflow) == (ALL_WELL, None)
    assert airflow.triggered == ["extract_sessions", "private_models"]


def test_models_of_an_earlier_extraction_do_not_count(run_dags: Callable[[Airflow], Outcome]) -> None:
    airflow = Airflow(TOO_SOON)
    airflow.run("private_models", PAID, "an earlier extraction")
    assert run_dags(airflow) == (ALL_WELL, None)
    assert airflow.triggered == ["extract_sessions", "private_models"]


def test_on_a_spent_budget_nothing_is_triggered_and_the_demo_succeeds(
    run_dags: Callable[[Airflow], Outcome],
) -> None:
    airflow = Airflow(SPENT)
    assert run_dags(airflow) == (NO_MODELS, SPENT["spent"])
    assert airflow.triggered == ["extract_sessions"]


@pytest.mark.parametrize("woken", [TOO_SOON, None])
def test_the_demo_succeeds_if_the_budget_was_spent_meanwhile(
    run_dags: Callable[[Airflow], Outcome], woken: Any
) -> None:
    assert run_dags(Airflow(woken, asked=REFUSED)) == (NO_MODELS, REFUSED["refused"])


def test_a_privacy_ledger_that_is_not_intact_is_a_failure_and_shown(
    run_dags: Callable[[Airflow], Outcome],
) -> None:
    airflow = Airflow(BROKEN)
    states, not_trained = run_dags(airflow)
    assert (states["private_models"], not_trained) == ("failed", BROKEN["broken"])
    assert airflow.triggered == ["extract_sessions"]


def test_models_that_fail_for_another_reason_are_a_failure(run_dags: Callable[[Airflow], Outcome]) -> None:
    airflow = Airflow(TOO_SOON, asked=None)
    states, not_trained = run_dags(airflow)
    assert (states["private_models"], not_trained) == ("failed", None)


def test_the_notice_names_the_newest_report(tmp_path: Path) -> None:
    assert notice("Spent.", tmp_path / "reports") == "No models were trained. Spent.\nThere is no report yet."
    for name, written_at_s in (("a", 1), ("b", 3), ("c", 2)):
        (tmp_path / f"{name}.html").touch()
        os.utime(tmp_path / f"{name}.html", (written_at_s, written_at_s))
    assert notice("Spent.", tmp_path).endswith(f"The newest report: {tmp_path / 'b.html'}")
