"""MongoDB: mongod if the machine has one, otherwise the embedded wire-compatible server."""

import shutil

from stack.health import MongoHealth
from stack.service import Service, StackContext
from stack.settings import ADDRESS_VARIABLE


def command(place: StackContext, mongod: str | None) -> tuple[str, ...]:
    """Returns the command of the database: `mongod` if given, otherwise the embedded server."""
    port, folder = str(place.settings.port("mongo")), place.layout.stores / "mongodb"
    if mongod:
        return (mongod, "--bind_ip", "127.0.0.1", "--port", port, "--dbpath", str(folder / "mongod"))
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


def services(place: StackContext) -> tuple[Service, ...]:
    """Returns MongoDB, or the embedded server if there is no mongod."""
    mongod = shutil.which("mongod")
    folder = place.layout.stores / "mongodb" / ("mongod" if mongod else "nx")
    return (
        Service(
            name="mongodb",
            command=command(place, mongod),
            health=MongoHealth(place.environment[ADDRESS_VARIABLE["mongodb"]]),
            ports=(place.settings.port("mongo"),),
            address=f"127.0.0.1:{place.settings.port('mongo')}",
            memory_mib=150,
            prepare=lambda: folder.mkdir(parents=True, exist_ok=True),
            external="mongodb" in place.external,
        ),
    )
