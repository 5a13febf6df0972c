"""What the DAG files share, as plain values. Airflow loads each file under a name of its own making, so one
cannot import another. No Airflow here, and nothing that takes long to load: standard library alone."""

from datetime import timedelta
from typing import Any

EXTRACT, SIMILAR_USERS = "sessions_extract", "similar_users"
MODELS, REPORTS = "private_models", "shap_reports"
"""Assets: what a DAG has written, by which it wakes the next."""

FRAME: dict[str, Any] = {"catchup": False, "is_paused_upon_creation": False, "max_active_runs": 1}
"""Of every DAG: it runs from the first start on, never two runs at once, and makes up for no missed one."""

TASKS: dict[str, Any] = {
    "owner": "vitrine",
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "execution_timeout": timedelta(minutes=10),
}
"""Of every task, unless its DAG or the task says otherwise."""

MOMENT: dict[str, Any] = {
    "type": ["null", "string"],
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?$",
}
"""A parameter that streaming.contract.period reads, as JSON Schema. Airflow checks the pattern; the format
alone only makes the form show a date picker."""
