"""Gates as processes, and a Redis of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.gates import Gates, GatesOn

from lab.own_redis import OwnRedis
from streaming.kafka.clients import ensure_topics
from streaming.settings import KafkaSettings, RedisSettings


@pytest.fixture
def gates_on(kafka: KafkaSettings, tmp_path: Path) -> Iterator[GatesOn]:
    """Makes gates that use a given Redis."""
    made: list[Gates] = []

    def gates_on(redis: RedisSettings) -> Gates:
        ensure_topics(kafka)
        made.append(Gates(kafka, redis, tmp_path / "gate.log"))
        return made[-1]

    yield gates_on
    for gates in made:
        for instance in list(gates.running):
            gates.kill(instance)


@pytest.fixture
def gates(gates_on: GatesOn, redis: RedisSettings) -> Gates:
    return gates_on(redis)


@pytest.fixture(params=[True, False], ids=["append-only file", "nothing kept"])
def own_redis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path / "redis", request.param)
    yield server
    server.kill()


@pytest.fixture
def kept_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """One that keeps what it was told."""
    server = OwnRedis(tmp_path / "redis", persists=True)
    yield server
    server.kill()
