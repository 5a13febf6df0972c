"""The load: a producer that sends as many events as have been released, in a thread beside the kills."""

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
    """Sends `events` into the raw topic; the broker may be away for minutes meanwhile."""

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
        """`count` events in all may have been sent from now on."""
        with self._changed:
            self._released = max(self._released, count)
            self._changed.notify()

    def finish(self) -> None:
        """Returns when all that was released is in the log. Raises what went wrong."""
        self.stop()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Ends the sending after what was released."""
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
                raise TimeoutError(f"the broker took no events for {FLUSH_TIMEOUT_S:.0f} s")
        except BaseException as error:
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
            self._failure = RuntimeError(f"an event was not taken: {error}")
