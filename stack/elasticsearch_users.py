"""Elasticsearch's users and roles, as the files of its file realm. Pure."""

from base64 import b64encode
from collections.abc import Callable
from hashlib import pbkdf2_hmac, sha256
from typing import Any

import yaml

from stack.principals import Principal
from streaming.contract import topics

ITERATIONS = 10_000
"""Elasticsearch knows certain numbers only. The passwords are too long to be guessed from a digest of any."""

_REFRESH = "indices:admin/refresh*"
_READ = ("read", "view_index_metadata")
_INDEXING = (
    *_READ, "create_index", "index", "delete", "indices:admin/mapping/put", "indices:admin/aliases", _REFRESH,
)  # fmt: skip
"""Makes slices, writes documents, deletes superseded ones, and adds fields. The right to give aliases, which
it needs for slices that an earlier release's index moved into, has no part that excludes deleting one."""
_RETENTION = (*_READ, "delete_index", _REFRESH)
"""Reads, and deletes slices that have expired."""


def roles(index_prefix: str) -> dict[str, Any]:
    """Returns the role of each user except the admin, who is a superuser, by the user's name."""

    def on(privileges: tuple[str, ...], *names: str) -> list[dict[str, list[str]]]:
        # An index is an alias over its slices.
        own = [index_prefix + name + slices for name in names for slices in ("", "-*")]
        return [{"names": own, "privileges": list(privileges)}]

    return {
        Principal.INDEX.value: {
            "cluster": ["monitor", "manage_index_templates"],
            "indices": on(_INDEXING, *topics.INDEXED),
        },
        # Pages read; the DAG that compares the stores first makes what was written searchable; the DAG
        # `retention` deletes what has expired.
        Principal.AIRFLOW.value: {"indices": on(_RETENTION, *topics.INDEXED)},
        Principal.WATCH.value: {"cluster": ["monitor"], "indices": on(_READ, topics.SESSION_SUMMARIES)},
    }


def files(index_prefix: str, password: Callable[[Principal], str]) -> dict[str, str]:
    """Returns the content of roles.yml, users and users_roles, by name. They contain digests of passwords."""
    declared = roles(index_prefix)
    of = {name: name for name in declared} | {"superuser": Principal.ADMIN.value}
    return {
        # Elasticsearch cuts this file where a line begins with a name, and parses each role by itself.
        "roles.yml": yaml.safe_dump(declared, default_flow_style=False),
        "users": "".join(f"{user}:{_digest(password(Principal(user)))}\n" for user in of.values()),
        "users_roles": "".join(f"{role}:{user}\n" for role, user in of.items()),
    }


def _digest(password: str) -> str:
    """Returns a PBKDF2 digest as Elasticsearch writes it. The salt follows from the password, so that the
    file is the same at each start."""
    salt = sha256(f"vitrine {password}".encode()).digest()
    key = pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS, dklen=32)
    return f"{{PBKDF2}}{ITERATIONS}${b64encode(salt).decode()}${b64encode(key).decode()}"
