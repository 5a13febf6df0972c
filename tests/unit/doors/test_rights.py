"""What viewers and analysts may not do, whatever Airflow's own rules are."""

import pytest

from streaming.dag_values import DELETE, SPEND_BUDGET
from streaming.doors.rights import refusal, refusal_of_asset

WRITES = ("POST", "PUT", "DELETE")
PARTS = (None, "RUN", "TASK_INSTANCE", "XCOM")


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("dag", [*sorted(SPEND_BUDGET | DELETE), None])
def test_only_op_and_admin_spend_the_budget_and_delete(
    method: str, part: str | None, dag: str | None
) -> None:
    for roles in (["user"], ["viewer"], ["User"], ["Custom"], [], ["viewer", "user"]):
        assert refusal(roles, method, dag, part), roles
    for roles in (["op"], ["Admin"], ["viewer", "Op"]):
        assert refusal(roles, method, dag, part) is None, roles


@pytest.mark.parametrize("method", WRITES)
def test_an_analyst_starts_what_spends_nothing(method: str) -> None:
    assert refusal(["user"], method, "similar_users", "RUN") is None


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("dag", ["similar_users", "shap_reports", None])
def test_only_op_and_admin_change_what_tasks_read(method: str, dag: str | None) -> None:
    for roles in (["user"], ["viewer"], ["Custom"], []):
        assert refusal(roles, method, dag, "XCOM"), roles
    for roles in (["op"], ["admin"]):
        assert refusal(roles, method, dag, "XCOM") is None, roles


@pytest.mark.parametrize("part", ["TASK_LOGS", "XCOM"])
@pytest.mark.parametrize("dag", ["similar_users", None])
def test_viewers_read_no_exact_figures(part: str, dag: str | None) -> None:
    assert refusal(["viewer"], "GET", dag, part)
    assert refusal([], "GET", dag, part)
    for role in ("user", "op", "admin"):
        assert refusal([role], "GET", dag, part) is None
    assert refusal(["viewer"], "GET", dag, "RUN") is None


@pytest.mark.parametrize("method", WRITES)
def test_only_op_and_admin_make_an_event_of_an_asset(method: str) -> None:
    """It starts the DAGs that wait for the asset; FAB lets its role User make one."""
    for roles in (["user"], ["viewer"], ["User"], ["Custom"], []):
        assert refusal_of_asset(roles, method), roles
        assert refusal_of_asset(roles, "GET") is None, roles
    for roles in (["op"], ["Admin"], ["viewer", "Op"]):
        assert refusal_of_asset(roles, method) is None, roles
