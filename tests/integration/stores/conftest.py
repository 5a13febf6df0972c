"""The pipeline of one test, and its stages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.pipeline import Pipeline, Stages

from streaming.kafka import clients
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings, RedisSettings


@pytest.fixture
def pipeline(kafka: KafkaSettings) -> Pipeline:
    clients.ensure_topics(kafka)
    return Pipeline(kafka)


@pytest.fixture
def stages(
    kafka: KafkaSettings,
    redis: RedisSettings,
    mongo: MongoSettings,
    elasticsearch: ElasticsearchSettings,
    tmp_path: Path,
) -> Iterator[Stages]:
    running = Stages(
        {
            "VITRINE_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
            "VITRINE_REDIS_KEY_PREFIX": redis.key_prefix,
            "VITRINE_MONGO_DATABASE": mongo.database,
            "VITRINE_ELASTICSEARCH_INDEX_PREFIX": elasticsearch.index_prefix,
            "VITRINE_STORE_SESSION_TIMEOUT_MS": "6000",
            "VITRINE_INDEX_SESSION_TIMEOUT_MS": "6000",
        },
        tmp_path / "stages.log",
    )
    yield running
    running.kill_all()
