"""MongoDB: mongod if the machine has one, otherwise the embedded wire-compatible server."""

import shutil
from pathlib import Path

from stack import accounts
from stack.health import MongoHealth
from stack.service import Service, StackContext
from stack.settings import ADDRESS_VARIABLE


def command(place: StackContext, mongod: str | None) -> tuple[str, ...]:
    """Returns the command of the database: `mongod` if given, otherwise the embedded server."""
    port, folder = str(place.settings.port("mongo")), place.layout.stores / "mongodb"
    if mongod:
        on_loopback = ("--bind_ip", "127.0.0.1", "--port", port, "--nounixsocket")
        return (mongod, *on_loopback, "--dbpath", str(folder / "mongod"))
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


def services(place: StackContext) -> tuple[Service, ...]:
    """Returns MongoDB, or the embedded server if there is no mongod."""
    mongod = shutil.which("mongod")
    folder = place.layout.stores / "mongodb"

    def prepare() -> None:
        for needed in (folder / ("mongod" if mongod else "nx"), _logs(place)):
            needed.mkdir(parents=True, exist_ok=True)

    return (
        Service(
            name="mongodb",
            command=command(place, mongod),
            health=MongoHealth(place.environment[ADDRESS_VARIABLE["mongodb"]]),
            ports=(place.settings.port("mongo"),),
            address=f"127.0.0.1:{place.settings.port('mongo')}",
            memory_mib=150,
            prepare=prepare,
            external="mongodb" in place.external,
            account=accounts.MONGODB,
            writes=(folder, _logs(place)),
        ),
    )
