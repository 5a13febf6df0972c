"""Airflow's users and their roles, as a setting writes them. Pure. Standard library only."""

import re

ROLES = ("viewer", "analyst", "op", "admin")
"""Each with the rights of those before it; what an analyst may not do: streaming.doors.rights."""
IN_AIRFLOW = {"analyst": "user"}
"""Roles that Airflow calls otherwise; the setting accepts its names as well."""
ADMIN = "admin"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def parse(setting: str) -> dict[str, str]:
    """Returns the role of each user in `setting`, which is written "name:role,name:role". Raises ValueError
    for one that is not so written, a user named twice, and if nobody is an admin: the commands log in as
    the first one."""
    users: dict[str, str] = {}
    for entry in setting.split(","):
        name, _, role = (part.strip() for part in entry.partition(":"))
        if not _NAME.fullmatch(name):
            raise ValueError("each user must be name:role, the name of letters, digits, dot, _ and -")
        role = next((ours for ours, theirs in IN_AIRFLOW.items() if role == theirs), role)
        if role not in ROLES:
            raise ValueError(f"the role of {name} must be one of {', '.join(ROLES)}")
        if name in users:
            raise ValueError(f"{name} is named twice")
        users[name] = role
    if ADMIN not in users.values():
        raise ValueError("one user must have the role admin")
    return users


def written(users: dict[str, str]) -> str:
    """The same as the setting is written."""
    return ",".join(f"{name}:{role}" for name, role in users.items())


def for_airflow(users: dict[str, str]) -> str:
    """The same as `[core] simple_auth_manager_users` wants it."""
    return written({name: IN_AIRFLOW.get(role, role) for name, role in users.items()})


def first_admin(users: dict[str, str]) -> str:
    """The user whom the commands log in as."""
    return next(name for name, role in users.items() if role == ADMIN)
