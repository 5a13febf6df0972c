"""Redis connections of the stages."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from streaming.settings import RedisSettings

TIMEOUT_S = 10.0


def client(settings: RedisSettings) -> Redis:
    """Returns a connection that returns bytes and never repeats a command by itself: only the caller knows
    whether that is safe."""
    return Redis.from_url(
        settings.url.get_secret_value(),
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=False,
    )
