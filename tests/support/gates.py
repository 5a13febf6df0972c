"""Gates as processes of their own, and a judge that shares no code with them."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from confluent_kafka import Message, TopicPartition
from redis import Redis
from waiting import HUNG_S, until

from streaming.kafka.clients import consumer, name, producer, read_all
from streaming.kafka.offsets import wait_visible
from streaming.kafka.partitions import end_offsets
from streaming.settings import KafkaSettings, RedisSettings
from support.records import position, text_headers

LATENESS_MS = 3_600_000
HORIZON_MS = 21 * 86_400_000


class Gates:
    """Gate processes on one set of topics and keys."""

    def __init__(self, kafka: KafkaSettings, redis: RedisSettings, log: Path) -> None:
        self.kafka, self.log = kafka, log
        self.environment = os.environ | {
            "VITRINE_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
            "VITRINE_REDIS_URL": redis.url.get_secret_value(),
            "VITRINE_REDIS_KEY_PREFIX": redis.key_prefix,
            "VITRINE_GATE_SESSION_CAPACITY": "100000",
            "VITRINE_GATE_USER_CAPACITY": "100000",
            "VITRINE_GATE_SETTLE_MS": "1000",
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, instance: str = "0", batch_size: int = 500) -> None:
        """Returns when the gate hears signals, so that one told to stop at once ends as it should."""
        before = self.said("starting") if self.log.exists() else 0
        environment = self.environment | {
            "VITRINE_GATE_INSTANCE": instance,
            "VITRINE_GATE_BATCH_SIZE": str(batch_size),
        }
        with self.log.open("ab") as log:
            self.running[instance] = subprocess.Popen(
                [sys.executable, "-m", "streaming.gate"], env=environment, stderr=log
            )
        self.wait_for(lambda: self.said("starting") > before, "a gate's first word")

    def kill(self, instance: str = "0") -> None:
        process = self.running.pop(instance)
        process.kill()
        process.wait()

    def stop(self, instance: str = "0") -> int:
        process = self.running.pop(instance)
        process.send_signal(signal.SIGTERM)
        return process.wait(HUNG_S)

    @contextmanager
    def frozen_at_work(self, instance: str, more: Callable[[], None]) -> Iterator[None]:
        """At any moment at which messages are left to decide: whether they are is looked at while the gate
        stands still. One that was too quick to be met at work gets `more` to do."""
        process = self.running[instance]
        while True:
            before = self.committed()
            self.wait_for(partial(self.has_gone_on, before), "some progress")
            time.sleep(random.uniform(0, 0.1))
            process.send_signal(signal.SIGSTOP)
            if not self.done():
                break
            process.send_signal(signal.SIGCONT)
            more()
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def kill_at_work(self, instance: str, more: Callable[[], None]) -> None:
        with self.frozen_at_work(instance, more):
            self.kill(instance)

    def committed(self) -> int:
        """Messages decided, whatever a killed gate has left open."""
        client = consumer(self.kafka, "gate", **{"isolation.level": "read_uncommitted"})
        try:
            raw = name(self.kafka, "user_session_info")
            places = [TopicPartition(raw, partition) for partition in range(self.kafka.partitions)]
            return sum(max(place.offset, 0) for place in client.committed(places, timeout=HUNG_S))
        finally:
            client.close()

    def sent(self) -> int:
        client = consumer(self.kafka, "gate-test")
        try:
            return sum(end_offsets(client, name(self.kafka, "user_session_info")).values())
        finally:
            client.close()

    def has_gone_on(self, before: int) -> bool:
        """Whether more than `before` messages are decided, or all."""
        return self.committed() > before or self.done()

    def done(self) -> bool:
        return self.committed() == self.sent()

    def wait_until_done(self) -> None:
        sent = self.sent()
        self.wait_for(lambda: self.committed() == sent, f"{sent} messages decided")
        for topic in ("valid_customer_session", "rejected_user_session"):
            wait_visible(self.kafka, topic, time.monotonic() + HUNG_S)

    def wait_until_done_by_starting(self) -> None:
        self.start()
        self.wait_until_done()

    @contextmanager
    def visible_from_now(self) -> Iterator[Callable[[], None]]:
        """Gives what waits for the next valid session to be visible to readers of committed records."""
        reader, valid = consumer(self.kafka, "gate-test"), name(self.kafka, "valid_customer_session")
        ends = end_offsets(reader, valid)
        reader.assign([TopicPartition(valid, partition, end) for partition, end in ends.items()])

        def next_valid() -> None:
            self.wait_for(lambda: reader.poll(0.5) is not None, "one more valid session")

        try:
            yield next_valid
        finally:
            reader.close()

    def said(self, event: str) -> int:
        """How often the gates have logged `event`."""
        return self.log.read_text().count(f'"event": "{event}"')

    def wait_for(self, is_so: Callable[[], bool], what: str) -> None:
        until(is_so, what, lambda: f"the gate says {self.log.read_text()[-2000:]}")

    def forget_everything(self) -> None:
        """As FLUSHALL would, for the keys of these gates."""
        with Redis.from_url(self.environment["VITRINE_REDIS_URL"]) as client:
            for key in client.scan_iter(
                match=self.environment["VITRINE_REDIS_KEY_PREFIX"] + "*", count=1_000
            ):
                client.delete(key)

    def send(
        self, messages: Sequence[tuple[bytes | None, bytes | None]], topic: str = "user_session_info"
    ) -> None:
        client = producer(self.kafka)
        for key, value in messages:
            client.produce(name(self.kafka, topic), value, key)
        assert client.flush(HUNG_S) == 0

    def judge(self) -> Counter[str]:
        return judge(self.kafka)


GatesOn = Callable[[RedisSettings], Gates]
"""Makes gates that use a given Redis."""


def judge(kafka: KafkaSettings) -> Counter[str]:
    """Asserts that every raw message has the one outcome it should, and gives outcomes by name.

    An oracle of its own: it knows the contract from the issue's text, not from the code, as far as the
    simulator's messages need it.
    """
    outcome_at: dict[tuple[int, int], str] = {}
    valid_at: dict[tuple[int, int], dict[str, object]] = {}
    rejected: dict[tuple[int, int], Message] = {}
    for message in read_all(kafka, "valid_customer_session"):
        fields = json.loads(message.value() or b"")
        fields |= fields["identity"]
        place = fields["rawPartition"], fields["rawOffset"]
        assert place not in outcome_at, f"two outcomes of {place}"
        assert message.key() == fields["userPseudonym"].encode() != fields["userId"].encode()
        outcome_at[place], valid_at[place] = "valid", fields
    for message in read_all(kafka, "rejected_user_session"):
        headers = text_headers(message.headers())
        place = int(headers["raw_partition"]), int(headers["raw_offset"])
        assert place not in outcome_at, f"two outcomes of {place}"
        outcome_at[place], rejected[place] = headers["reason"], message

    sessions: set[tuple[str, str]] = set()
    users: set[str] = set()
    newest: Counter[int] = Counter()
    # By arrival, which keeps the order within a partition: the first copy of a session is the valid one.
    for message in sorted(read_all(kafka, "user_session_info"), key=lambda message: message.timestamp()[1]):
        place = position(message)
        outcome = outcome_at.pop(place, "lost")
        if outcome != "valid":
            assert place in rejected, f"{place} is lost"
            refused = outcome == "no_consent"
            kept = (str(place[0]).encode(), None) if refused else (message.key(), message.value())
            assert (rejected[place].key(), rejected[place].value()) == kept
            assert int(text_headers(rejected[place].headers())["arrived_at_ms"]) == message.timestamp()[1]
        assert (outcome == "no_consent") == _refuses(message.value() or b""), place
        if outcome == "no_consent":
            continue
        try:
            sent = json.loads(message.value() or b"")
            device, referrer, session, user = (
                sent[field] for field in ("deviceType", "referrer", "sessionId", "userId")
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            assert outcome not in ("valid", "duplicate", "unknown_device", "unknown_referrer"), place
            continue
        live, ended_ms = sent.get("feed", "live") == "live", sent.get("eventTimeMs")
        if outcome in ("valid", "duplicate", "beyond_horizon"):
            too_old = live and ended_ms < message.timestamp()[1] - HORIZON_MS
            assert (outcome == "beyond_horizon") == too_old, place
        if outcome not in ("valid", "duplicate"):
            if device == "unknown" or referrer == "unknown":
                assert outcome == ("unknown_device" if device == "unknown" else "unknown_referrer")
            continue
        assert outcome == ("duplicate" if (user, session) in sessions else "valid"), place
        if outcome == "valid":
            fields = valid_at[place]
            assert fields["userKind"] == ("returning" if user in users else "new"), place
            assert fields["arrivedAtMs"] == message.timestamp()[1]
            assert {name: fields[name] for name in sent} == sent
            late = live and ended_ms < newest[place[0]] - LATENESS_MS
            assert fields["late"] == late, place
            if live:
                newest[place[0]] = max(newest[place[0]], ended_ms)
            sessions.add((user, session))
            users.add(user)
    assert not outcome_at, "outcomes of messages that were never sent"
    counted = Counter(text_headers(message.headers())["reason"] for message in rejected.values())
    return counted + Counter(valid=len(valid_at))


def _refuses(value: bytes) -> bool:
    """True if the session in `value` does not agree to analytics. Of what is no JSON, the simulator's
    messages have the answer in plain bytes, if they have it."""
    try:
        sent = json.loads(value)
    except (ValueError, RecursionError):
        return b'"analytics":false' in value
    consent = sent.get("consent") if isinstance(sent, dict) else None
    return isinstance(consent, dict) and consent.get("analytics") is False
