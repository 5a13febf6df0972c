"""Which DAG, asset or topic starts which DAG."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from airflow.providers.apache.kafka.triggers.await_message import AwaitMessageTrigger

from streaming.contract.extraction_due import wake
from streaming.dag_values import SPEND_BUDGET


def _woken_by(dag: Any) -> set[str]:
    condition = getattr(dag.timetable, "asset_condition", None)
    return {asset.name for asset in condition.objects} if condition else set()


def _updates(dag: Any) -> set[str]:
    return {asset.name for task in dag.tasks for asset in task.outlets}


@pytest.mark.parametrize(
    ("first", "asset", "then"),
    [
        ("extract_sessions", "sessions_extract", "similar_users"),
        ("retention", "expired_extracts", "similar_users"),
        ("extract_sessions", "sessions_extract", "private_models"),
        ("private_models", "private_models", "shap_reports"),
    ],
)
def test_one_dag_starts_the_next(dags: Mapping[str, Any], first: str, asset: str, then: str) -> None:
    assert asset in _updates(dags[first])
    also = {"sessions_extract", "expired_extracts"} if then == "similar_users" else set()
    assert _woken_by(dags[then]) == {asset} | also


def test_the_dags_that_spend_the_budget_are_named(dags: Mapping[str, Any]) -> None:
    """Those whose file charges the ledger, and those that start one of them, however indirectly."""
    spend = {name for name, dag in dags.items() if "stored_ledger" in Path(dag.fileloc).read_text()}
    while more := {
        name
        for name, dag in dags.items()
        if name not in spend and any(_updates(dag) & _woken_by(dags[spender]) for spender in spend)
    }:
        spend |= more
    assert spend == SPEND_BUDGET


def test_only_the_last_task_updates_an_asset(dags: Mapping[str, Any]) -> None:
    for dag in dags.values():
        for task in dag.tasks:
            assert not task.outlets or not task.downstream_task_ids


def test_kafka_starts_the_extraction(dags: Mapping[str, Any]) -> None:
    [asset] = dags["extract_sessions"].timetable.asset_condition.objects
    [watcher] = asset.watchers
    trigger = watcher.trigger.trigger
    assert isinstance(trigger, AwaitMessageTrigger)
    assert trigger.topics == ["extraction_due"]
    assert trigger.apply_function == "streaming.contract.extraction_due.wake"


def test_the_extraction_also_runs_every_hour(dags: Mapping[str, Any]) -> None:
    assert dags["extract_sessions"].timetable.timetable.expression == "0 * * * *"


@pytest.mark.parametrize("value", [None, b"", b"\xff", b'{"valid": 1000}'])
def test_any_message_starts_a_run_which_learns_only_its_position(value: bytes | None) -> None:
    """The trigger's function must return a true JSON value; otherwise the trigger keeps waiting, or dies."""
    message = Mock(topic=lambda: "extraction_due", partition=lambda: 0, offset=lambda: 7, value=lambda: value)
    assert json.loads(json.dumps(wake(message))) == {"topic": "extraction_due", "partition": 0, "offset": 7}
