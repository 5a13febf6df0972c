"""What a gate holds of the raw topic: how far it has read each partition, and the state it has there."""

from collections.abc import Iterable, Mapping, Sequence

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from streaming.contract.topology import GATE
from streaming.dedup.port import BatchSpan
from streaming.gate.decide import PartitionState, Raw, decode_state
from streaming.gate.settings import GateSettings
from streaming.kafka import clients
from streaming.kafka.committed_log import read_committed_offsets
from streaming.kafka.records import records
from streaming.settings import KafkaSettings

GROUP = GATE.group
_MAX_POLL_INTERVAL_MS = 1_800_000  # a rebuild from a long log may keep the loop from polling
_NEVER = 1 << 63


def reader(kafka_settings: KafkaSettings, settings: GateSettings) -> Consumer:
    """The consumer of a gate, not yet subscribed."""
    return clients.consumer(
        kafka_settings,
        GROUP,
        **{
            # A static member: restarted in time it has its partitions back without a rebalance. So every
            # assignment must be whole: in a cooperative one that takes two steps, a member that died between
            # them came back to the first, and a partition was nobody's for good.
            "group.instance.id": clients.name(kafka_settings, f"{GROUP}-{settings.instance}"),
            "partition.assignment.strategy": "range",
            "session.timeout.ms": settings.session_timeout_ms,
            "max.poll.interval.ms": _MAX_POLL_INTERVAL_MS,
            "queued.max.messages.kbytes": 65_536,
        },
    )


class Assignment:
    """The partitions held, each from its committed offset on."""

    def __init__(self, consumer: Consumer, raw_topic: str) -> None:
        self._consumer, self._raw_topic = consumer, raw_topic
        self._read_to: dict[int, int] = {}
        """Next offset of each partition held."""
        self.states: dict[int, PartitionState] = {}
        """Of the same, after the newest batch written."""

    def __bool__(self) -> bool:
        return bool(self._read_to)

    def take(self, messages: Sequence[Message]) -> tuple[list[Raw], dict[int, int]]:
        """The raw messages among `messages` that are to be read next, and where each partition stood before
        them. Raises KafkaException on a fatal error."""
        begins = dict(self._read_to)
        raws: list[Raw] = []
        for message in records(messages):
            partition, offset = message.partition(), message.offset()
            if partition is None or offset is None:
                continue
            # What was fetched before a partition was lost may come after that, or twice: then it is not ours.
            if offset >= self._read_to.get(partition, _NEVER):
                self._read_to[partition] = offset + 1
                raws.append(Raw(partition, offset, message.timestamp()[1], message.key(), message.value()))
        return raws, begins

    def add(self, partitions: list[TopicPartition]) -> None:
        """`partitions` are ours, from what is committed of them on."""
        self._consumer.assign(self._load(partitions))

    def drop(self, partitions: Iterable[TopicPartition]) -> None:
        """`partitions` are ours no more."""
        for partition in partitions:
            self._read_to.pop(partition.partition, None)
            self.states.pop(partition.partition, None)

    def rewind(self) -> None:
        """Back to what is committed, with the state of then."""
        if self._read_to:
            held = [TopicPartition(self._raw_topic, partition) for partition in self._read_to]
            self._consumer.assign(self._load(held))

    def is_past(self, spans: Mapping[int, BatchSpan]) -> bool:
        """Whether reading goes on behind a batch: after a rewind, whether that was committed."""
        return any(self._read_to.get(at, 0) >= span.upto for at, span in spans.items())

    def _load(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Learns the committed place of `partitions`; gives where to read on."""
        starts = []
        for found in read_committed_offsets(self._consumer, partitions):
            self._read_to[found.partition] = max(found.offset, 0)
            self.states[found.partition] = decode_state(found.metadata)
            start = found.offset if found.offset >= 0 else OFFSET_BEGINNING
            starts.append(TopicPartition(found.topic, found.partition, start))
        return starts
