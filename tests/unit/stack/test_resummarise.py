"""A cluster that does not answer is absent only if nothing says that there is one."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from stack import resummarise
from stack.components import flink
from stack.service import StackContext, StackError


@pytest.fixture
def silent(place: StackContext, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """No cluster answers; the processes that this stack runs."""
    processes: dict[str, Any] = {}

    def overview(rest: object) -> object:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(resummarise, "overview", overview)
    monkeypatch.setattr(resummarise, "CANCEL_TIMEOUT_S", 0.0)
    monkeypatch.setattr(resummarise, "POLL_S", 0.0)
    monkeypatch.setattr(flink, "rest", lambda place: None)
    monkeypatch.setattr(
        resummarise, "Supervisor", lambda layout: SimpleNamespace(processes=lambda: processes)
    )
    return processes


def test_without_a_cluster_no_job_runs(place: StackContext, silent: dict[str, Any]) -> None:
    resummarise._cancel(place)
    silent["flink-jobmanager"] = SimpleNamespace(state="STOPPED")
    resummarise._cancel(place)


def test_on_an_external_cluster_it_may_run(place: StackContext, silent: dict[str, Any]) -> None:
    with pytest.raises(StackError, match="does not answer"):
        resummarise._cancel(replace(place, external=frozenset({"flink"})))


def test_and_on_one_that_hangs(place: StackContext, silent: dict[str, Any]) -> None:
    silent["flink-jobmanager"] = SimpleNamespace(state="RUNNING")
    with pytest.raises(StackError, match="does not answer"):
        resummarise._cancel(place)
