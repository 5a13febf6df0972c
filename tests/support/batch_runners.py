"""The stages that the laws of the batch runner are held against: a sink, and the gate."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Protocol

from confluent_kafka import Message, TopicPartition
from pydantic import SecretStr
from waiting import HUNG_S

from streaming.contract.headers import Headers
from streaming.dedup.memory import InMemoryDedupStore
from streaming.dedup.port import ClaimAnswer, ClaimRequest, LogProgress
from streaming.gate.run import run_on
from streaming.gate.settings import GateSettings
from streaming.sinks.settings import SinkSettings
from streaming.sinks.stage import run_sink
from streaming.stores import StoreUnavailable
from support.sessions import KEY

BATCH_SIZE = 7
SINK = SinkSettings(batch_size=BATCH_SIZE, linger_ms=20, session_timeout_ms=6_000)
GATE = GateSettings(batch_size=BATCH_SIZE, linger_ms=20, settle_ms=600_000, pseudonym_key=SecretStr(KEY))
UNAVAILABLE = StoreUnavailable("unavailable")

LogPosition = tuple[int, int]
OnStep = Callable[[str], None]


class Crash(Exception):
    """Ends a stage between two steps."""


class Broker(Protocol):
    """A topic of three partitions and one consumer group on it."""

    topic: str

    def send(self, partition: int, values: Sequence[bytes]) -> None: ...
    def member(self, settings: SinkSettings) -> Any: ...
    def committed(self) -> dict[int, int]: ...


class Store:
    """What was attempted and what was written, in order. `fails` decides for each attempt whether the store
    is unavailable."""

    def __init__(self, fails: Iterator[bool]) -> None:
        self.fails = fails
        self.attempts: list[list[LogPosition]] = []
        self.written: list[tuple[LogPosition, bytes]] = []
        self.on_write: Callable[[], None] = lambda: None

    def attempt(self, positions: list[LogPosition]) -> None:
        self.attempts.append(positions)
        if next(self.fails):
            raise UNAVAILABLE

    def write(self, records: list[tuple[LogPosition, bytes]]) -> None:
        self.written.extend(records)
        self.on_write()


class Runner:
    """One member of the group at work in a thread of its own."""

    writes_once: ClassVar[bool]

    def __init__(self, broker: Broker, store: Store, on_step: OnStep = lambda step: None) -> None:
        self.broker, self.store, self.on_step = broker, store, on_step
        self.stop, self.member = threading.Event(), broker.member(SINK)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def work(self) -> None:
        """Runs the stage."""
        raise NotImplementedError

    def _run(self) -> None:
        with suppress(Crash):
            self.work()

    def end(self) -> None:
        self.stop.set()
        self.join()

    def join(self) -> None:
        self._thread.join(HUNG_S)
        assert not self._thread.is_alive()


class SinkRunner(Runner):
    """Its attempt is its write; what a crash leaves uncommitted is written again."""

    writes_once = False

    def work(self) -> None:
        run_sink(self.member, [self.broker.topic], self, SINK, self.stop, self.on_step)

    def prepare(self) -> None:
        """Nothing is to be made ready."""

    def read(self, messages: Sequence[Message]) -> list[tuple[LogPosition, bytes]]:
        return [((one.partition() or 0, one.offset() or 0), one.value() or b"") for one in messages]

    def write(self, records: list[tuple[LogPosition, bytes]]) -> None:
        self.store.attempt([position for position, _ in records])
        self.store.write(records)


class GateRunner(Runner):
    """The real gate with a dedup store in memory. Its attempt is its claims; output and offsets are written
    in one step. All records are rejected, so that each appears in the output under its log position."""

    writes_once = True

    def __init__(self, broker: Broker, store: Store, on_step: OnStep = lambda step: None) -> None:
        self._open: list[tuple[LogPosition, bytes]] = []
        super().__init__(broker, store, on_step)

    def work(self) -> None:
        held = _FailingDedupStore(self.store)
        run_on(self.broker.topic, self.member, self, _Log(self.broker), held, GATE, self.stop, self.on_step)

    # streaming.kafka.transactions.Writer

    def send(
        self, topic: str, value: bytes | None, key: bytes | None, headers: Headers | None = None
    ) -> None:
        named = dict(headers or [])
        position = int(named["raw_partition"] or b""), int(named["raw_offset"] or b"")
        self._open.append((position, value or b""))

    def flush(self) -> None:
        """Records are kept where they are."""

    def commit(self, group: object, offsets: Sequence[TopicPartition]) -> None:
        self.store.write(self._open)
        self._open = []
        self.member.commit(offsets=list(offsets), asynchronous=False)

    def abort(self) -> None:
        self._open = []

    def poll(self) -> None:
        """No client works in the background."""


class _FailingDedupStore(InMemoryDedupStore):
    def __init__(self, store: Store) -> None:
        super().__init__(GATE.horizon)
        self._store = store

    def claim(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        self._store.attempt(
            [
                (at, offset)
                for at, span in request.spans.items()
                for offset in range(span.committed, span.upto)
            ]
        )
        return super().claim(request)


class _Log:
    """No valid sessions, and what is committed of the broker's topic."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def committed(self) -> LogProgress:
        offsets = {at: offset for at, offset in self._broker.committed().items() if offset}
        return LogProgress("log", offsets, dict.fromkeys(offsets, 0), low_watermark_ms=0, begins_ms=0)

    def is_ours_alone(self) -> bool:
        return True

    def newest_first(self) -> Iterator[Iterator[bytes]]:
        return iter(())

    def valid_sessions(self, since_ms: int) -> Iterator[tuple[bytes, float]]:
        return iter(())
