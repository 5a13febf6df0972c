"""Checks under FAB what each role may do: Airflow's application and the plugin, without a container engine.

    uv venv --python 3.11 /tmp/fab
    uv pip install --require-hashes --python /tmp/fab -r docker/fab/airflow.txt
    PYTHONPATH=. /tmp/fab/bin/python docker/fab/check.py

Prints one line for each role; exits 1 if a role may do more or less than it should.
"""

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = tempfile.mkdtemp(prefix="vitrine-fab-")
OWN = "http://127.0.0.1:18080"
os.environ |= {
    "AIRFLOW_HOME": HOME,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__CORE__AUTH_MANAGER": "vitrine_fab.VitrineFabAuthManager",
    "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS": "airflow.providers.fab.auth_manager.models.db.FABDBManager",
    "AIRFLOW__FAB__CONFIG_FILE": str(ROOT / "docker" / "fab" / "webserver_config.py"),
    "AIRFLOW__API__BASE_URL": OWN,
    "AIRFLOW__API_AUTH__JWT_SECRET": "of this check only " * 5,
    "VITRINE_SECRETS_DIR": HOME,
    "VITRINE_DATA_DIR": f"{HOME}/data",
}
Path(HOME, "airflow_admin").write_text("admin")

import airflow  # noqa: E402, F401
from airflow import settings  # noqa: E402

settings.initialize()

from airflow.api_fastapi.app import create_app  # noqa: E402
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder  # noqa: E402
from airflow.utils.db import initdb  # noqa: E402
from fastapi.testclient import TestClient  # noqa: E402

TASK = "/api/v2/dags/d/dagRuns/r/taskInstances/t"
RUN = {"logical_date": None}
# Address, body of a POST, and what viewer, analyst, op and admin get. 404: allowed, but nothing is there.
EXPECTED = [
    ("/vitrine/reports", None, (200, 200, 200, 200)),
    ("/vitrine/accesses", None, (403, 403, 200, 200)),
    ("/vitrine/why", None, (403, 403, 200, 200)),
    ("/api/v2/dags", None, (200, 200, 200, 200)),
    ("/api/v2/dags/private_models/dagRuns", RUN, (403, 403, 404, 404)),
    ("/api/v2/dags/extract_sessions/dagRuns", RUN, (403, 403, 404, 404)),
    ("/api/v2/dags/similar_users/dagRuns", RUN, (403, 404, 404, 404)),
    (f"{TASK}/logs/1", None, (403, 404, 404, 404)),
    (f"{TASK}/xcomEntries", None, (403, 200, 200, 200)),
    (f"{TASK}/xcomEntries", {"key": "return_value", "value": "x"}, (403, 403, 404, 404)),
    ("/api/v2/assets", None, (200, 200, 200, 200)),
    ("/api/v2/assets/events", {"asset_id": 1, "extra": {}}, (403, 403, 404, 404)),
    ("/api/v2/assets/1/materialize", {}, (403, 403, 404, 404)),
]


def main() -> int:
    """Returns the exit code."""
    initdb()
    app = create_app()
    exec(compile((ROOT / "docker" / "fab" / "first_admin.py").read_text(), "first_admin.py", "exec"), {})
    with get_application_builder() as builder:
        for role in ("Viewer", "User", "Op"):
            name = role.lower()
            builder.sm.add_user(name, name, name, f"{name}@localhost", builder.sm.find_role(role), name)
    wrong = TestClient(app, base_url=OWN).get("/vitrine/reports").status_code != 401
    for column, name in enumerate(("viewer", "user", "op", "admin")):
        client = TestClient(app, base_url=OWN, raise_server_exceptions=False)
        token = client.post("/auth/token", json={"username": name, "password": name}).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        answers = [
            client.request("GET" if body is None else "POST", path, json=body).status_code
            for path, body, _ in EXPECTED
        ]
        right = answers == [statuses[column] for *_, statuses in EXPECTED]
        wrong |= not right
        print(name, answers, "as it should be" if right else "WRONG", file=sys.stderr)
    return int(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
