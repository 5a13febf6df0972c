"""How many users had a valid session, for reconcile and the chaos test."""

from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.settings import GateSettings
from streaming.settings import RedisSettings


def distinct_users(settings: RedisSettings) -> int:
    """Returns the estimate of the HyperLogLog of all users (standard error 0.81 %); 0 if no gate has prepared
    Redis yet. Raises streaming.stores.StoreUnavailable if Redis does not answer."""
    return RedisDedupStore(settings, GateSettings()).distinct_users()
