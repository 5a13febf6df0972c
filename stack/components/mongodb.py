"""MongoDB: mongod if the machine has one, otherwise the embedded wire-compatible server."""

from functools import partial
from pathlib import Path

from stack import accounts, machine, passwords
from stack.credentials import without_login
from stack.health import MongoHealth
from stack.principals import Principal, Store
from stack.service import Service, StackContext
from stack.settings import ADDRESS_VARIABLE
from streaming.settings import MongoSettings, variable


def command(place: StackContext, mongod: str | None) -> tuple[str, ...]:
    """Returns the command of the database: `mongod` if given, otherwise the embedded server."""
    port, folder = str(place.settings.port("mongo")), place.layout.stores / "mongodb"
    if mongod:
        on_loopback = ("--bind_ip", "127.0.0.1", "--port", port, "--nounixsocket")
        return (mongod, *on_loopback, "--auth", "--dbpath", str(folder / "mongod"))
    embedded = str(place.layout.environment("main") / "bin" / "nx-27017")
    files = ("--data-dir", str(folder / "nx"), "--log-file", str(_logs(place) / "server.log"))
    return (
        embedded,
        "--host",
        "127.0.0.1",
        "--port",
        port,
        *files,
        "--pid-file",
        str(folder / "nx.pid"),
    )


def _logs(place: StackContext) -> Path:
    return place.layout.logs / "mongodb"


def _put_users(place: StackContext) -> None:
    from stack import mongodb_users

    database = place.environment.get(
        variable(MongoSettings, "database"), MongoSettings.model_fields["database"].default
    )
    address = without_login(place.environment[ADDRESS_VARIABLE["mongodb"]])
    formerly = passwords.generated(place.layout, Principal.ADMIN)
    mongodb_users.put(address, database, partial(place.password, Store.MONGODB), formerly)


def services(place: StackContext) -> tuple[Service, ...]:
    """Returns MongoDB, or the embedded server if there is no mongod."""
    address = place.environment[ADDRESS_VARIABLE["mongodb"]]
    external = "mongodb" in place.external
    mongod = machine.mongod()
    folder = place.layout.stores / "mongodb"

    def prepare() -> None:
        for needed in (folder / ("mongod" if mongod else "nx"), _logs(place)):
            needed.mkdir(parents=True, exist_ok=True)

    return (
        Service(
            name="mongodb",
            command=command(place, mongod),
            # Ours answers before it has users.
            health=MongoHealth(address if external else without_login(address)),
            ports=(place.settings.port("mongo"),),
            address=f"127.0.0.1:{place.settings.port('mongo')}",
            memory_mib=150,
            prepare=prepare,
            once_healthy=(lambda: _put_users(place)) if mongod and not external else None,
            external=external,
            account=accounts.MONGODB,
            writes=(folder, _logs(place)),
        ),
    )
