"""Rules for every DAG, and one DAG in each file."""

import builtins
import dis
import inspect
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.definitions.context import KNOWN_CONTEXT_KEYS

DAGS = (
    "extract_sessions",
    "similar_users",
    "private_models",
    "shap_reports",
    "reconcile_stores",
    "retention",
    "person",
)
HEAVY = {"pandas", "numpy", "pyarrow", "pymongo", "sklearn", "xgboost", "jax", "shap", "matplotlib", "ml"}


def test_all_load(bag: Any) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == set(DAGS)


def test_a_file_is_named_after_its_dag(dags: Mapping[str, Any]) -> None:
    assert {Path(dag.fileloc).stem: dag.dag_id for dag in dags.values()} == {name: name for name in DAGS}


@pytest.mark.parametrize("dag_id", DAGS)
def test_has_documentation_tags_and_an_owner(dags: Mapping[str, Any], dag_id: str) -> None:
    dag = dags[dag_id]
    assert dag.doc_md
    assert len(dag.doc_md) > 200
    assert "vitrine" in dag.tags
    assert len(dag.tags) > 1
    assert {task.owner for task in dag.tasks} == {"vitrine"}


@pytest.mark.parametrize("dag_id", DAGS)
def test_is_scheduled_runs_once_at_a_time_and_has_timeouts(dags: Mapping[str, Any], dag_id: str) -> None:
    dag = dags[dag_id]
    assert dag.timetable.can_be_scheduled or dag.timetable.asset_condition
    assert dag.is_paused_upon_creation is False
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    assert dag.dagrun_timeout is not None
    assert all(task.execution_timeout is not None for task in dag.tasks)


@pytest.mark.parametrize("dag_id", [name for name in DAGS if name != "reconcile_stores"])
def test_is_retried_after_a_delay(dags: Mapping[str, Any], dag_id: str) -> None:
    for task in dags[dag_id].tasks:
        assert task.retries >= 1
        assert task.retry_delay.total_seconds() >= 30


def test_a_reconcile_is_not_retried(dags: Mapping[str, Any]) -> None:
    assert {task.retries for task in dags["reconcile_stores"].tasks} == {0}


def test_no_file_imports_a_heavy_module(folder: Path) -> None:
    """The DAG processor loads every file every minute, so a task imports its modules itself."""
    program = (
        "import sys, runpy, airflow.sdk\n"
        "before = set(sys.modules)\n"
        f"[runpy.run_path(file) for file in {sorted(map(str, folder.glob('*.py')))!r}]\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.splitlines()[-1]
    assert "streaming" in loaded.split()
    assert HEAVY.isdisjoint(loaded.split())


def test_tasks_for_the_environment_main_use_no_global_of_their_file(dags: Mapping[str, Any]) -> None:
    """Another interpreter runs the function's source, without the rest of the DAG file."""
    found = {
        f"{dag.dag_id}.{task.task_id}": task
        for dag in dags.values()
        for task in dag.tasks
        if task.task_type == "_PythonExternalDecoratedOperator"
    }
    assert len(found) == 6
    for name, task in found.items():
        function = inspect.unwrap(task.python_callable)
        used = {step.argval for step in dis.get_instructions(function) if step.opname == "LOAD_GLOBAL"}
        assert used <= set(dir(builtins)), name
        assert not inspect.getclosurevars(function).nonlocals, name


def test_no_positional_argument_has_the_name_of_an_airflow_argument(dags: Mapping[str, Any]) -> None:
    """Airflow passes `run_id` and the like by name; passed by position too, they make the task fail."""
    for dag in dags.values():
        for task in dag.tasks:
            given = list(inspect.signature(task.python_callable).parameters)[
                : len(getattr(task, "op_args", ()))
            ]
            assert KNOWN_CONTEXT_KEYS.isdisjoint(given), f"{dag.dag_id}.{task.task_id}"
