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
        Principal.STORE: both,
        # It reads sessions, and writes similar users, the models' registry and the privacy ledger.
        Principal.AIRFLOW: both,
        Principal.WATCH: [],
        # Last: further connections of the client log in with the password that it began with.
        Principal.ADMIN: ["root"],
    }


def put(address: str, database: str, password: Callable[[Principal], str], asks: bool = True) -> None:
    """Makes each user that is missing, and gives all their roles and passwords. `asks`: False if the server
    asks nobody for a login now. Raises StackError if it refuses the admin's."""
    login: dict[str, Any] = {"username": Principal.ADMIN.value, "password": password(Principal.ADMIN)}
    client: MongoClient[Mapping[str, Any]] = MongoClient(
        address, serverSelectionTimeoutMS=TIMEOUT_MS, **(login if asks else {})
    )
    with client as admin:
        try:
            known = {user["user"] for user in admin.admin.command("usersInfo")["users"]}
        except OperationFailure as error:
            raise StackError(
                f"mongod refuses the admin ({error.code}): its data is of another installation, for example. "
                "To give it this one's users: ./vitrine down mongodb && rm -f "
                ".vitrine/run/mongod-has-users && ./vitrine up",
                "mongodb",
            ) from None
        for name, own in roles(database).items():
            command = "updateUser" if name in known else "createUser"
            admin.admin.command(command, name.value, pwd=password(name), roles=own)
