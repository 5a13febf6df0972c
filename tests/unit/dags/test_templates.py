"""A template passes text or numbers to a task, not objects, whose text form Airflow decides."""

import re
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.api.datamodels._generated import DagRunType
from airflow.utils.types import DagRunType as StoredDagRunType
from markupsafe import Markup

from ml.release.run_type import RunType

EXPRESSION = re.compile(r"{{(.*?)}}")
PLAIN = (str, int, float, bool, type(None), Markup)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _templates(dags: Mapping[str, Any]) -> Iterator[tuple[Any, str]]:
    for dag in dags.values():
        for task in dag.tasks:
            fields = ("partial_kwargs", "op_kwargs_expand_input") if task.is_mapped else task.template_fields
            for field in fields:
                value = getattr(task, field)
                for text in _texts(getattr(value, "value", value)):
                    if EXPRESSION.search(text):
                        yield task, text


def _context(dag: Any, run_type: DagRunType) -> dict[str, Any]:
    """The part of a task's context that the templates use."""
    return {
        "params": dag.params.dump(),
        "run_id": "run",
        "dag_run": SimpleNamespace(run_type=run_type, run_id="run"),
    }


def test_every_template_yields_plain_values(dags: Mapping[str, Any]) -> None:
    found = list(_templates(dags))
    assert {task.dag_id for task, _ in found} == {
        "private_models",
        "shap_reports",
        "similar_users",
        "reconcile_stores",
        "retention",
    }
    for task, text in found:
        dag = dags[task.dag_id]
        for expression in EXPRESSION.findall(text):
            value = dag.get_template_env().compile_expression(expression)(
                **_context(dag, DagRunType.ASSET_TRIGGERED)
            )
            assert type(value) in PLAIN, (task.task_id, expression)


@pytest.mark.parametrize("task_id", ["charge", "train"])
@pytest.mark.parametrize("run_type", [*DagRunType, *StoredDagRunType])
def test_private_models_gets_the_type_of_its_run(
    dags: Mapping[str, Any], task_id: str, run_type: Any
) -> None:
    dag = dags["private_models"]
    task = dag.get_task(task_id)
    _, rendered = task.render_template(task.op_args, _context(dag, run_type), dag.get_template_env())
    assert RunType(rendered) == run_type.value


def test_all_run_types_of_airflow_are_known() -> None:
    assert {*RunType} == {kind.value for kind in DagRunType} == {kind.value for kind in StoredDagRunType}
