"""Settings from files, as Compose mounts them."""

from pathlib import Path

import pytest

from streaming.settings import KafkaSettings, MongoSettings, RedisSettings


def test_a_file_comes_before_a_variable_and_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vitrine_redis_url").write_text("rediss://gate:word@redis:6379/0")
    (tmp_path / "mongo_uri").write_text("mongodb://store:word@mongodb\n")
    monkeypatch.setenv("VITRINE_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("VITRINE_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("VITRINE_KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    assert RedisSettings().url.get_secret_value() == "rediss://gate:word@redis:6379/0"
    assert MongoSettings().uri.get_secret_value() == "mongodb://store:word@mongodb"
    assert KafkaSettings().bootstrap_servers == "kafka:9092"


def test_without_the_variable_no_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VITRINE_SECRETS_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vitrine_redis_url").write_text("redis://elsewhere:1/0")
    assert RedisSettings().url.get_secret_value() == "redis://127.0.0.1:16379/0"
