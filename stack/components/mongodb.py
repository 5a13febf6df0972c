"""MongoDB: mongod if the machine has one, otherwise the embedded wire-compatible server."""

from functools import partial
from pathlib import Path

from stack import accounts, machine, unprivileged
from stack.components import mongod as real
from stack.credentials import without_login
from stack.health import MongoHealth
from stack.principals import Principal, Store
from stack.service import Service, StackContext
from stack.settings import ADDRESS_VARIABLE
from streaming.settings import MongoSettings


def command(place: StackContext, mongod: str | None) -> tuple[str, ...]:
    """Returns the command of the database: `mongod` if given, otherwise the embedded server."""
    port, folder = str(place.settings.port("mongo")), place.layout.stores / "mongodb"
    if mongod:
        return real.command(mongod, place.settings.port("mongo"), folder / "mongod")
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

    address = without_login(place.environment[ADDRESS_VARIABLE["mongodb"]])
    mongodb_users.put(address, _database(place), partial(place.password, Store.MONGODB))


def _database(place: StackContext) -> str:
    return place.value(MongoSettings, "database")


def services(place: StackContext) -> tuple[Service, ...]:
    """Returns MongoDB, or the embedded server if there is no mongod."""
    address = place.environment[ADDRESS_VARIABLE["mongodb"]]
    external = "mongodb" in place.external
    mongod = machine.mongod()
    folder = place.layout.stores / "mongodb"

    def prepare() -> None:
        for needed in (folder / ("mongod" if mongod else "nx"), _logs(place)):
            needed.mkdir(parents=True, exist_ok=True)
        if mongod:
            unprivileged.take(place, accounts.MONGODB, folder)
            real.make_users(place, mongod, folder / "mongod", _database(place))

    return (
        Service(
            name="mongodb",
            command=command(place, mongod),
            # Other passwords are for its next start to make.
            configuration=place.password(Store.MONGODB, Principal.ADMIN) if mongod else "",
            # Ours greets without a login.
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
