"""Users of the running Redis with the rights that the stack declares, on keys of a test's own."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr
from redis import Redis

from streaming.dedup.redis.commands import rights
from streaming.settings import RedisSettings


@contextmanager
def restricted(settings: RedisSettings, commands: Iterable[str]) -> Iterator[RedisSettings]:
    """Yields `settings` with a user who may use `commands` on the dedup store's keys, and nothing else."""
    name, password = f"test-{secrets.token_hex(6)}", secrets.token_urlsafe(16)
    url = urlsplit(settings.url.get_secret_value())
    admin: Any
    with Redis.from_url(settings.url.get_secret_value()) as admin:
        admin.execute_command(
            "ACL", "SETUSER", name, "on", f">{password}", *rights(settings.key_prefix, commands)
        )
        try:
            own = url._replace(netloc=f"{name}:{password}@{url.hostname}:{url.port}").geturl()
            yield settings.model_copy(update={"url": SecretStr(own)})
        finally:
            admin.execute_command("ACL", "DELUSER", name)
