"""Values that the DAG files share. They are here because Airflow loads each DAG file under a generated name,
so that one cannot import another. Standard library only, because every file is loaded often."""

from datetime import timedelta
from typing import Any

EXTRACT, SIMILAR_USERS = "sessions_extract", "similar_users"
MODELS, REPORTS = "private_models", "shap_reports"
EXPIRED_EXTRACTS = "expired_extracts"
"""Names of assets: a DAG updates one when it has written its results, which starts the next DAG."""

SPEND_BUDGET = frozenset({"extract_sessions", "private_models"})
"""The DAGs that charge the privacy ledger, and those that start one of them."""

DELETE = frozenset({"retention", "person"})
"""The DAGs that delete what was stored, or see to it. Pausing one would keep it."""

FRAME: dict[str, Any] = {"catchup": False, "is_paused_upon_creation": False, "max_active_runs": 1}
"""For every DAG: it is active from the first start on, never has two runs at once, and skips missed runs."""

TASKS: dict[str, Any] = {
    "owner": "vitrine",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "execution_timeout": timedelta(minutes=10),
}
"""Defaults for every task; a DAG or a task may override them."""

MOMENT: dict[str, Any] = {
    "type": ["null", "string"],
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$",
}
"""The JSON Schema of a parameter for streaming.contract.period. Airflow checks the pattern; the format only
makes the form show a date picker."""
