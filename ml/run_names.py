"""A DAG run's id as a name for files and addresses."""

import hashlib
import re

_READABLE = 80


def file_name(run_id: str) -> str:
    """A name made of letters, digits, `.`, `_` and `-` only, different for different run ids.

    Airflow's own ids hold colons and plus signs and anyone may choose one with worse in it; what has to be
    replaced or cut is told apart by eight digits of the id's SHA-256.
    """
    readable = re.sub(r"[^A-Za-z0-9._-]", "-", run_id)[:_READABLE].lstrip(".-")
    if readable and readable == run_id:
        return readable
    return f"{readable}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
