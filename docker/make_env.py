"""Writes docker/.env with fresh secrets, readable by its owner alone.

A file that is there already is left as it is: the stores keep the passwords they were first started with.
"""

import os
import secrets
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

# Letters and digits only: some of these become part of an address.
PASSWORDS = (
    "REDIS_PASSWORD",
    "MONGO_PASSWORD",
    "ELASTIC_PASSWORD",
    "KIBANA_PASSWORD",
    "KIBANA_ENCRYPTION_KEY",
    "POSTGRES_PASSWORD",
    "AIRFLOW_ADMIN_PASSWORD",
    "AIRFLOW_API_SECRET",
    "AIRFLOW_JWT_SECRET",
)


def lines() -> list[str]:
    """One `NAME=value` a secret, new at every call."""
    fernet = urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return [*(f"{name}={secrets.token_hex(24)}" for name in PASSWORDS), f"AIRFLOW_FERNET_KEY={fernet}"]


def main(target: Path) -> int:
    """Writes `target`; 1 if it is there already."""
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(f"{target} is there already and was left as it is", file=sys.stderr)
        return 1
    with os.fdopen(descriptor, "w") as file:
        file.write("".join(f"{line}\n" for line in lines()))
    print(
        f"{target} written; Airflow's login is admin, its password the AIRFLOW_ADMIN_PASSWORD in it",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name(".env")))
