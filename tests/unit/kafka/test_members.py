"""Stages that run anywhere are found by their group's members; a group that never was has none."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streaming.kafka import members
from streaming.process.exit_code import InvalidRequest
from streaming.settings import KafkaSettings

SETTINGS = KafkaSettings(topic_prefix="test-")


class Groups:
    """An admin client that knows groups, and in how many answers each still has a member."""

    def __init__(self, **members: int) -> None:
        self.members = members

    def describe_consumer_groups(self, groups: list[str], request_timeout: float) -> dict[str, Any]:
        return {group: SimpleNamespace(result=self._answer(group)) for group in groups}

    def _answer(self, group: str) -> Any:
        def result(timeout: float) -> Any:
            name = group.removeprefix("test-")
            if name not in self.members:
                raise KafkaException(KafkaError(KafkaError.GROUP_ID_NOT_FOUND))
            self.members[name] -= 1
            return SimpleNamespace(members=["one"] if self.members[name] >= 0 else [])

        return result


def asked(monkeypatch: pytest.MonkeyPatch, **of: int) -> None:
    groups = Groups(**of)
    monkeypatch.setattr(members, "AdminClient", lambda properties: groups)
    monkeypatch.setattr(members, "_POLL_S", 0.0)


def test_a_stage_on_another_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch, gate=1_000_000, store=0)
    assert members.running(SETTINGS, ["gate", "store", "index", "flink-job"]) == ["gate"]
    with pytest.raises(InvalidRequest, match="down gate"):
        members.require_stopped(SETTINGS, ["gate", "store"], time.monotonic())


def test_one_that_is_just_ending_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch, gate=3)
    members.require_stopped(SETTINGS, ["gate", "store"], time.monotonic() + 60)
