"""The users of a real mongod, which is started with --auth. The embedded server has no users."""

from collections.abc import Callable, Mapping
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from stack.principals import Principal
from stack.service import StackError

TIMEOUT_MS = 5_000


def roles(database: str) -> dict[Principal, list[Any]]:
    """Returns the roles of each user. The monitor only greets the server."""
    both = [{"role": "readWrite", "db": database}]
    return {
        Principal.ADMIN: ["root"],
        Principal.STORE: both,
        # It reads sessions, and writes similar users, the models' registry and the privacy ledger.
        Principal.AIRFLOW: both,
        Principal.WATCH: [],
    }


def put(address: str, database: str, password: Callable[[Principal], str], formerly: str) -> None:
    """Makes each user that is missing, and gives all their roles and passwords. `formerly`: the admin's
    password in an earlier release. Raises StackError if the server knows an admin with another one."""
    wanted = roles(database)
    secret = next((one for one in (password(Principal.ADMIN), formerly) if _lets_in(address, one)), None)
    if secret is None:
        secret = password(Principal.ADMIN)
        _make_admin(address, secret, wanted[Principal.ADMIN])
    with _client(address, secret) as admin:
        known = {user["user"] for user in admin.admin.command("usersInfo")["users"]}
        # The admin last: further connections still log in with the password of before.
        for name, own in sorted(wanted.items(), key=lambda item: item[0] is Principal.ADMIN):
            command = "updateUser" if name in known else "createUser"
            admin.admin.command(command, name.value, pwd=password(name), roles=own)


def _client(address: str, password: str | None) -> MongoClient[Mapping[str, Any]]:
    login: dict[str, Any] = {"username": Principal.ADMIN.value, "password": password} if password else {}
    return MongoClient(address, serverSelectionTimeoutMS=TIMEOUT_MS, **login)


def _lets_in(address: str, password: str) -> bool:
    with _client(address, password) as admin:
        try:
            admin.admin.command("usersInfo")
        except OperationFailure:
            return False
    return True


def _make_admin(address: str, password: str, own: list[Any]) -> None:
    """A mongod without any user lets who comes from this machine make the first one, and nothing else."""
    with _client(address, None) as anyone:
        try:
            anyone.admin.command("createUser", Principal.ADMIN.value, pwd=password, roles=own)
        except OperationFailure as error:
            raise StackError(
                "mongod has an admin with another password than .vitrine/run/passwords/admin: bring back "
                f"that file, or start mongod once without --auth and drop the user ({error.code})",
                "mongodb",
            ) from None
