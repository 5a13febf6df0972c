"""Makes the user `admin` in FAB's database if there is none, with the password of the secret airflow_admin.

`airflow users create` would take the password as an argument, which other processes see.
"""

import os
from pathlib import Path

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

with get_application_builder() as builder:
    manager = builder.sm
    if manager.find_user("admin") is None:
        made = manager.add_user(
            "admin",
            "Admin",
            "",
            "admin@localhost",
            manager.find_role("Admin"),
            Path(os.environ["VITRINE_SECRETS_DIR"], "airflow_admin").read_text().strip(),
        )
        if not made:
            raise SystemExit("The user admin could not be made: FAB's log above has the reason.")
