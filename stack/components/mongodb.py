"""MongoDB: mongod if the machine has one, otherwise the embedded wire-compatible server."""

from stack import machine
from stack.credentials import without_login
from stack.health import MongoHealth
from stack.service import Service, StackContext
from stack.settings import ADDRESS_VARIABLE
from streaming.settings import MongoSettings, variable


def command(place: StackContext, mongod: str | None) -> tuple[str, ...]:
    """Returns the command of the database: `mongod` if given, otherwise the embedded server."""
    port, folder = str(place.settings.port("mongo")), place.layout.stores / "mongodb"
    if mongod:
        own = ("--auth", "--dbpath", str(folder / "mongod"))
        return (mongod, "--bind_ip", "127.0.0.1", "--port", port, *own)
    embedded = str(place.layout.environment("main") / "bin" / "nx-27017")
    files = ("--data-dir", str(folder / "nx"), "--log-file", str(place.layout.logs / "mongodb-server.log"))
    return (
        embedded,
        "--host",
        "127.0.0.1",
        "--port",
        port,
        *files,
        "--pid-file",
        str(place.layout.run / "nx.pid"),
    )


def _put_users(place: StackContext) -> None:
    from stack import mongodb_users

    database = place.environment.get(
        variable(MongoSettings, "database"), MongoSettings.model_fields["database"].default
    )
    address = without_login(place.environment[ADDRESS_VARIABLE["mongodb"]])
    mongodb_users.put(address, database, place.password)


def services(place: StackContext) -> tuple[Service, ...]:
    """Returns MongoDB, or the embedded server if there is no mongod."""
    address = place.environment[ADDRESS_VARIABLE["mongodb"]]
    external = "mongodb" in place.external
    mongod = machine.mongod()
    folder = place.layout.stores / "mongodb" / ("mongod" if mongod else "nx")
    return (
        Service(
            name="mongodb",
            command=command(place, mongod),
            # Ours answers before it has users.
            health=MongoHealth(address if external else without_login(address)),
            ports=(place.settings.port("mongo"),),
            address=f"127.0.0.1:{place.settings.port('mongo')}",
            memory_mib=150,
            prepare=lambda: folder.mkdir(parents=True, exist_ok=True),
            once_healthy=(lambda: _put_users(place)) if mongod and not external else None,
            external=external,
        ),
    )
