"""The checks before anything starts: ports and memory. The messages say what to do."""

import socket
from dataclasses import replace

import pytest

from stack import retention_check
from stack.service import Service, StackContext, StackError, Unhealthy
from stack.start import check_memory, check_port, port_taken
from streaming.process.exit_code import InvalidRequest


class Never:
    def check(self) -> None:
        raise Unhealthy("never")


def test_a_port_in_use_is_reported_with_its_process() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StackError, match=rf"kafka cannot start: port {port} is in use by process \d+ \("):
            check_port("kafka", port)
    check_port("kafka", port)


def test_a_port_of_another_user() -> None:
    told = port_taken("kafka", 19092, None)
    assert "port 19092 is in use by a process of another user" in told
    assert "VITRINE_PORT_OFFSET" in told


def test_too_little_memory_is_reported_with_both_amounts() -> None:
    services = [Service(name=name, command=("x",), health=Never(), memory_mib=300) for name in "ab"]
    check_memory(services, 600 * 2**20)
    with pytest.raises(StackError, match=r"need 600 MiB, 599 MiB are free"):
        check_memory(services, 599 * 2**20)


def test_settings_of_retention_that_contradict_each_other_are_named(place: StackContext) -> None:
    retention_check.check(place)
    given = {"VITRINE_RETENTION_SESSIONS_DAYS": "20", "VITRINE_FLINK_STATE_TTL_MS": "1000"}
    with pytest.raises(InvalidRequest) as told:
        retention_check.check(replace(place, environment={**place.environment, **given}))
    for name in ("VITRINE_KAFKA_RETENTION_MS", "VITRINE_RETENTION_SEARCH_DAYS=400", "STATE_TTL_MS=1000"):
        assert name in str(told.value)
