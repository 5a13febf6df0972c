"""Where the cluster does not let an option be changed, nothing fails: only the disk is free later."""

from contextlib import suppress
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streaming.contract.topics import SEGMENT_MS
from streaming.rewriting import segments
from streaming.settings import KafkaSettings


class Answer:
    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def result(self, timeout_s: float) -> None:
        if self._error is not None:
            raise self._error


class Admin:
    """Remembers what it was asked; `refuses`: nobody may change options."""

    asked: list[tuple[str, str]]
    refuses: Exception | None

    def __init__(self, properties: object) -> None: ...

    def incremental_alter_configs(self, resources: list[Any], request_timeout: float) -> dict[Any, Answer]:
        for one in resources:
            [entry] = one.incremental_configs
            self.asked.append((one.name, entry.value))
        return {one: Answer(self.refuses) for one in resources}


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> type[Admin]:
    Admin.asked, Admin.refuses = [], None
    monkeypatch.setattr(segments, "AdminClient", Admin)
    monkeypatch.setattr(segments, "_KNOWN_AFTER_S", 0)
    return Admin


def test_segments_are_closed_at_once_within_and_as_declared_after(admin: type[Admin]) -> None:
    failing = suppress(KeyError)
    with failing, segments.closing(KafkaSettings(topic_prefix="p-"), ["a", "b"]) as done:
        assert done
        assert admin.asked == [("p-a", "10000"), ("p-b", "10000")]
        raise KeyError
    assert admin.asked[2:] == [("p-a", str(SEGMENT_MS)), ("p-b", str(SEGMENT_MS))]


@pytest.mark.parametrize(
    "error", [KafkaException(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED)), TimeoutError()]
)
def test_a_refusal_changes_nothing_else(admin: type[Admin], error: Exception) -> None:
    admin.refuses = error
    with segments.closing(KafkaSettings(), ["a"]) as done:
        assert not done
    assert len(admin.asked) == 1
