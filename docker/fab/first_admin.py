"""Makes the user `admin` in FAB's database if there is none, with the password in AIRFLOW_ADMIN_PASSWORD.

`airflow users create` would take the password as an argument, which other processes see.
"""

import os

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
            os.environ["AIRFLOW_ADMIN_PASSWORD"],
        )
        if not made:
            raise SystemExit("The user admin could not be made: FAB's log above has the reason.")
