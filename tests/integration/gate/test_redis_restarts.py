"""What scripts wrote is there again after a restart, whatever the users of Redis may do."""

from redis import Redis

from lab.own_redis import OwnRedis

TWO_WRITES = "redis.call('SET', KEYS[1], 1) return redis.call('SET', KEYS[2], 1)"


def test_a_killed_redis_replays_what_scripts_wrote(kept_redis: OwnRedis) -> None:
    """Redis replays its file as the default user, whom nobody may log in as: if that user had no rights, it
    would drop every write of a script, with no more than a line in its log."""
    with Redis.from_url(kept_redis.url) as client:
        client.eval(TWO_WRITES, 2, "first", "second")
    kept_redis.kill()
    kept_redis.start()
    with Redis.from_url(kept_redis.url) as client:
        assert client.mget("first", "second") == [b"1", b"1"]
