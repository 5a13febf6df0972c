"""Where the cluster does not let an option be changed, nothing fails: only the disk is free later. What was
changed is always changed back."""

from contextlib import suppress
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streaming.contract.topics import SEGMENT_MS
from streaming.kafka import clients
from streaming.rewriting import segments
from streaming.settings import KafkaSettings

REFUSED = KafkaException(KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED))
SETTINGS = KafkaSettings(topic_prefix="p-")


class Answer:
    def __init__(self, error: Exception | None) -> None:
        self._error = error

    def result(self, timeout_s: float) -> None:
        if self._error is not None:
            raise self._error


class Cluster:
    """Topics with their option; a topic in `refuses` answers so, and one in `silent` does what it is asked
    without an answer."""

    def __init__(self) -> None:
        self.segment_ms = {"a": SEGMENT_MS, "b": SEGMENT_MS}
        self.refuses: set[str] = set()
        self.silent: set[str] = set()

    def admin(self, properties: object) -> "Cluster":
        return self

    def read(self, settings: object, topic: str) -> int:
        return self.segment_ms[topic]

    def incremental_alter_configs(self, resources: list[Any], request_timeout: float) -> dict[Any, Answer]:
        answers = {}
        for one in resources:
            topic = one.name.removeprefix("p-")
            [entry] = one.incremental_configs
            error = REFUSED if topic in self.refuses else TimeoutError() if topic in self.silent else None
            if topic not in self.refuses:
                self.segment_ms[topic] = int(entry.value)
            answers[one] = Answer(error)
        return answers


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()
    monkeypatch.setattr(segments, "AdminClient", found.admin)
    monkeypatch.setattr(clients, "segment_ms", found.read)
    monkeypatch.setattr(segments, "_KNOWN_AFTER_S", 0)
    return found


@pytest.mark.parametrize("own_ms", [SEGMENT_MS, 12_345])
def test_segments_are_closed_at_once_within_and_as_before_after(cluster: Cluster, own_ms: int) -> None:
    cluster.segment_ms["b"] = own_ms
    failing = suppress(KeyError)
    with failing, segments.closing(SETTINGS, ["a", "b"]) as done:
        assert done
        assert cluster.segment_ms == {"a": 10_000, "b": 10_000}
        raise KeyError
    assert cluster.segment_ms == {"a": SEGMENT_MS, "b": own_ms}


@pytest.mark.parametrize("topic", ["a", "b"])
def test_a_topic_that_refuses_leaves_no_other_changed(cluster: Cluster, topic: str) -> None:
    cluster.refuses = {topic}
    with segments.closing(SETTINGS, ["a", "b"]) as done:
        assert not done
        assert sorted(cluster.segment_ms.values()) == [10_000, SEGMENT_MS]
    assert cluster.segment_ms == {"a": SEGMENT_MS, "b": SEGMENT_MS}


def test_a_topic_that_did_not_answer_is_changed_back_too(cluster: Cluster) -> None:
    cluster.silent = {"a"}
    with segments.closing(SETTINGS, ["a", "b"]) as done:
        assert not done
    assert cluster.segment_ms == {"a": SEGMENT_MS, "b": SEGMENT_MS}


def test_what_a_killed_rewrite_has_left_is_changed_back(cluster: Cluster) -> None:
    cluster.segment_ms = {"a": 10_000, "b": SEGMENT_MS}
    with segments.closing(SETTINGS, ["a", "b"]):
        pass
    assert cluster.segment_ms == {"a": SEGMENT_MS, "b": SEGMENT_MS}


def test_what_cannot_be_changed_back_is_told_after_all_others_are(cluster: Cluster) -> None:
    with pytest.raises(KafkaException), segments.closing(SETTINGS, ["a", "b"]):
        cluster.refuses = {"a"}
    assert cluster.segment_ms == {"a": 10_000, "b": SEGMENT_MS}


def test_where_nothing_may_be_asked_nothing_fails(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(settings: object, topic: str) -> int:
        raise REFUSED

    monkeypatch.setattr(clients, "segment_ms", read)
    cluster.refuses = {"a", "b"}
    with segments.closing(SETTINGS, ["a", "b"]) as done:
        assert not done
