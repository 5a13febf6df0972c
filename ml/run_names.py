"""Turns a DAG run's id into a name for files and URLs."""

import hashlib
import re

_READABLE = 80


def file_name(run_id: str) -> str:
    """Returns a name of letters, digits, `.`, `_` and `-` only, different for different run ids.

    Airflow's ids contain colons and plus signs, and a user may choose an id with any character. A name in
    which something was replaced or cut ends with eight digits of the id's SHA-256, so that it stays unique.
    """
    readable = re.sub(r"[^A-Za-z0-9._-]", "-", run_id)[:_READABLE].lstrip(".-")
    if readable and readable == run_id:
        return readable
    return f"{readable}-{hashlib.sha256(run_id.encode()).hexdigest()[:8]}"
