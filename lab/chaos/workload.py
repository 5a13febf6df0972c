"""The workload: a producer that sends as many events as have been released, in its own thread."""

from collections.abc import Iterator
from threading import Condition, Thread

from confluent_kafka import Producer

from lab.chaos.generator import Event
from streaming.contract import topics
from streaming.kafka import clients
from streaming.kafka.produce import produce
from streaming.settings import KafkaSettings

FLUSH_TIMEOUT_S = 300.0
PARTITION_OF_THE_KEY = -1


class Workload:
    """Sends `events` to the raw topic. The broker may be unavailable for minutes meanwhile."""

    def __init__(self, settings: KafkaSettings, events: Iterator[Event]) -> None:
        self._producer: Producer = clients.producer(settings, **{"log_level": 0})
        self._topic, self._events = clients.name(settings, topics.RAW), events
        self._released, self._over = 0, False
        self._changed = Condition()
        self._thread = Thread(target=self._run, daemon=True)
        self._failure: BaseException | None = None
        self.sent = 0
        self._thread.start()

    def release(self, count: int) -> None:
        """Allows up to `count` events to be sent in all."""
        with self._changed:
            self._released = max(self._released, count)
            self._changed.notify()

    def finish(self) -> None:
        """Returns when all released events are in the log. Raises the error of a failed send."""
        self.stop()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stops sending after the released events."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            for event in self._events:
                with self._changed:
                    while self.sent >= self._released and not self._over:
                        self._changed.wait(0.1)
                        self._producer.poll(0)
                    if self.sent >= self._released:
                        break
                self._send(event)
                self.sent += 1
            if self._producer.flush(FLUSH_TIMEOUT_S):
                raise TimeoutError(f"the broker accepted no events for {FLUSH_TIMEOUT_S:.0f} s")
        except BaseException as error:  # noqa: BLE001  (`finish` raises it)
            self._failure = error

    def _send(self, event: Event) -> None:
        partition = PARTITION_OF_THE_KEY if event.partition is None else event.partition
        produce(
            self._producer,
            self._topic,
            event.value,
            event.key,
            partition=partition,
            on_delivery=self._delivered,
        )
        self._producer.poll(0)

    def _delivered(self, error: object, _: object) -> None:
        if error is not None and self._failure is None:
            self._failure = RuntimeError(f"the broker did not accept an event: {error}")
