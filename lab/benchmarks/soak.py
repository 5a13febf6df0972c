"""`python -m lab.benchmarks.soak`: runs the gate at half of its capacity for a long time and watches its
memory.

The capacity is measured first, as the gate's rate on a backlog. Then simulated sessions, with the simulator's
duplicates and faults, are sent at half that rate, while the resident memory of the gate's process and Redis'
used memory are read every few seconds. Redis keeps every claim of the horizon, so its memory per session must
be flat; the gate's memory itself must be flat. Prints one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec import Struct

from streaming.contract import topics
from streaming.contract.time_units import DAY_MS
from streaming.contract.topology import GATE
from streaming.dedup.redis import connection
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.settings import GateSettings
from streaming.kafka import clients
from streaming.kafka.committed_log import read_committed_offsets
from streaming.kafka.produce import produce
from streaming.settings import KafkaSettings, RedisSettings
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic

_BACKLOG = 100_000
_WARM_UP_SHARE = 0.25
_FLAT = 0.05
"""Memory is flat if the median of the last quarter exceeds that of the first one after the warm-up by at most
this share."""
_LOOK_EVERY_S = 5.0


class Reading(Struct, frozen=True):
    """The memory at one moment."""

    at_s: float
    decided: int
    gate_bytes: int
    redis_bytes: int


def main() -> int:
    """Runs the benchmark of the command line. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="duration (20)")
    options = parser.parse_args()
    name = f"bench-soak-{os.getpid()}-"
    settings, redis_settings = KafkaSettings(topic_prefix=name), RedisSettings(key_prefix=name)
    clients.ensure_topics(settings)
    environment = os.environ | {"VITRINE_KAFKA_TOPIC_PREFIX": name, "VITRINE_REDIS_KEY_PREFIX": name}
    load = Load(settings)
    load.send(_BACKLOG)
    gate = subprocess.Popen([sys.executable, "-m", "streaming.gate"], env=environment, stderr=sys.stderr)
    try:
        capacity_per_s = _capacity(load)
        _tell(f"capacity {capacity_per_s:,.0f} messages/s; {options.minutes:g} minutes at half of it")
        readings = _soak(load, gate, redis_settings, capacity_per_s / 2, options.minutes * 60)
    finally:
        gate.terminate()
        gate.wait()
        RedisDedupStore(redis_settings, GateSettings()).drop()
        declared = topics.declared(settings.partitions, settings.retention_ms)
        AdminClient(clients.properties(settings)).delete_topics([name + topic.name for topic in declared])
    print(json.dumps(_result(capacity_per_s, readings)))
    return 0


class Load:
    """Messages for the gate, sent and decided."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings, self._messages = settings, _messages()
        self._producer: Producer = clients.producer(settings)
        self._raw, self._group = clients.name(settings, topics.RAW), clients.consumer(settings, GATE.group)
        self.sent = 0

    def send(self, messages: int) -> None:
        """Sends so many more messages; returns when the broker has acknowledged them."""
        for _ in range(messages):
            key, value = next(self._messages)
            produce(self._producer, self._raw, value, key)
        self._producer.flush()
        self.sent += messages

    def decided(self) -> int:
        """Returns how many messages the gate has committed."""
        places = [TopicPartition(self._raw, partition) for partition in range(self._settings.partitions)]
        return sum(max(place.offset, 0) for place in read_committed_offsets(self._group, places))


def _messages() -> Iterator[tuple[bytes, bytes]]:
    """Yields messages without end: one simulated shop after the other, all of the last day and the same
    users."""
    for number in count():
        start_ms = time.time_ns() // 1_000_000 - DAY_MS + number
        for message in traffic(TrafficSettings(sessions=100_000, users=20_000, seed=7, start_ms=start_ms)):
            yield message.key, message.value


def _capacity(load: Load) -> float:
    """Returns messages per second, from the first commit to the last of the backlog."""
    while not (first := load.decided()):
        time.sleep(0.05)
    started = time.monotonic()
    while (decided := load.decided()) < load.sent:
        time.sleep(0.05)
    return (decided - first) / (time.monotonic() - started)


def _soak(
    load: Load, gate: "subprocess.Popen[bytes]", settings: RedisSettings, rate_per_s: float, duration_s: float
) -> list[Reading]:
    client: Any = connection.client(settings)
    started, sent_before = time.monotonic(), load.sent
    readings: list[Reading] = []
    while (now_s := time.monotonic() - started) < duration_s:
        due = int(rate_per_s * now_s) - (load.sent - sent_before)
        load.send(due)
        if not readings or now_s - readings[-1].at_s >= _LOOK_EVERY_S:
            redis_bytes = client.info("memory")["used_memory"]
            readings.append(Reading(now_s, load.decided(), _resident_bytes(gate.pid), redis_bytes))
        if gate.poll() is not None:
            raise RuntimeError(f"the gate ended with exit code {gate.returncode}")
        time.sleep(0.2)
    return readings


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _result(capacity_per_s: float, readings: list[Reading]) -> dict[str, Any]:
    warm = readings[int(len(readings) * _WARM_UP_SHARE) :]
    quarter = max(len(warm) // 4, 1)
    early, late = _median(warm[:quarter]), _median(warm[-quarter:])
    decided = warm[-1].decided - warm[0].decided
    return {
        "capacity_per_s": round(capacity_per_s),
        "decided_per_s": round(decided / (warm[-1].at_s - warm[0].at_s)),
        "minutes": round(readings[-1].at_s / 60, 1),
        "gate_bytes": {"after_warm_up": early, "at_the_end": late, "most": max(r.gate_bytes for r in warm)},
        "flat": late <= early * (1 + _FLAT),
        "redis_bytes": {"after_warm_up": warm[0].redis_bytes, "at_the_end": warm[-1].redis_bytes},
        "redis_bytes_per_message": round((warm[-1].redis_bytes - warm[0].redis_bytes) / max(decided, 1), 1),
    }


def _median(readings: list[Reading]) -> int:
    return sorted(reading.gate_bytes for reading in readings)[len(readings) // 2]


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
