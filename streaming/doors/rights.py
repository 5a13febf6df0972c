"""What the roles viewer and analyst may not do in Airflow, though Airflow's own rules would let them. Pure.

A role is called as in Airflow's auth managers, in lower case: viewer, user (the analyst), op, admin. Op and
admin have all rights that Airflow gives them.
"""

from collections.abc import Iterable

from streaming.dag_values import DELETE, SPEND_BUDGET

PRIVILEGED = frozenset({"op", "admin"})
ANALYST = "user"
READ_BY_ANALYSTS = frozenset({"TASK_LOGS", "XCOM"})
"""Parts of a DAG that hold exact figures of the data and labels of single visits: not for viewers."""


def refusal(roles: Iterable[str], method: str, dag: str | None, part: str | None) -> str | None:
    """Returns why who has `roles` may not do `method` (GET, POST, PUT, DELETE) with `part` (Airflow's
    DagAccessEntity, None for the DAG itself) of `dag`; None if Airflow's own rules decide. `dag` None stands
    for DAGs that the request does not name."""
    held = {role.lower() for role in roles}
    if held & PRIVILEGED:
        return None
    if method == "GET":
        if part in READ_BY_ANALYSTS and ANALYST not in held:
            return "Task logs and XCom hold exact figures: they are for the roles analyst, op and admin."
        return None
    if part == "XCOM":
        return "Only the roles op and admin change XCom: tasks act on what they read there."
    if dag is None:
        return "Only the roles op and admin change DAGs without naming one."
    if dag in SPEND_BUDGET:
        return (
            f"{dag} spends the privacy budget, by itself or by what it starts: only the roles op and admin "
            "start or change it. The page Privacy budget shows what is left."
        )
    if dag in DELETE:
        return f"{dag} sees to it that data is deleted: only the roles op and admin start or change it."
    return None


def refusal_of_asset(roles: Iterable[str], method: str) -> str | None:
    """Returns the same for `method` with an asset or an alias of one: an event of an asset starts DAGs."""
    if method == "GET" or {role.lower() for role in roles} & PRIVILEGED:
        return None
    return "An asset's event starts DAGs that spend the privacy budget: only the roles op and admin make one."
