"""Writes topics anew: what a change leaves of each record goes behind the present ones, then everything
before is deleted, and with it all that was made of it.

The Flink job makes summaries, sentiments and window totals again from the valid sessions that are left. Raw
messages go too, as far as the gate has decided them: their outcomes say what they were.
"""

from collections.abc import Iterator, Mapping

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from streaming.contract import topics
from streaming.contract.headers import headers_of
from streaming.contract.topology import GATE
from streaming.kafka import clients, offsets
from streaming.kafka.partitions import TIMEOUT_S
from streaming.kafka.produce import produce
from streaming.rewriting import segments
from streaming.rewriting.change import Change, Logged, anew
from streaming.settings import KafkaSettings

OF_THE_GATE = (topics.VALID, topics.REJECTED)
MADE_AGAIN = (*topics.INDEXED, topics.REFUSED_DOCUMENTS)
"""Cut at their ends without waiting: the Flink job, which was cancelled, may have left transactions open."""
_FLUSH_TIMEOUT_S = 120.0


def rewrite(settings: KafkaSettings, changes: Mapping[str, Change]) -> dict[str, int]:
    """Leaves of each topic in `changes` what its change leaves, one topic after the other, and returns by
    topic how many records that is; of all other topics between stages, nothing that is decided. No stage may
    write meanwhile. Killed midway, it may be called again. Raises KafkaException."""
    ends = {topic: offsets.wait_visible(settings, topic) for topic in OF_THE_GATE}
    ends |= {topic: offsets.ends(settings, topic) for topic in MADE_AGAIN}
    ends[topics.RAW] = offsets.committed(settings, GATE.group, topics.RAW)
    left = {}
    with segments.closing(settings, ends):
        for topic, change in changes.items():
            left[topic] = _copy(settings, topic, change, ends[topic])
            _cut(settings, {topic: ends.pop(topic)})
        _cut(settings, ends)
    return left


def read(settings: KafkaSettings, topic: str, until: Mapping[int, int] | None = None) -> Iterator[Logged]:
    """Yields the records of `topic` that are visible now, or those before `until`, by partition."""
    for message in clients.read_all(settings, topic, until=until):
        yield Logged(
            message.partition() or 0,
            message.key(),
            message.value(),
            headers_of(message),
            max(0, message.timestamp()[1]),
        )


def _cut(settings: KafkaSettings, ends: Mapping[str, Mapping[int, int]]) -> None:
    cuts = [
        TopicPartition(clients.name(settings, topic), partition, end)
        for topic, of in ends.items()
        for partition, end in of.items()
        if end > 0
    ]
    if not cuts:
        return
    admin = AdminClient(clients.properties(settings))  # kept until its answers are here: they die with it
    for answer in admin.delete_records(cuts, request_timeout=TIMEOUT_S).values():
        answer.result(TIMEOUT_S)


def _copy(settings: KafkaSettings, topic: str, change: Change, ends: Mapping[int, int]) -> int:
    """Only of what will be deleted: a record behind `ends` stays where it is, and would be there twice."""
    sender, left = clients.producer(settings), 0
    failures: list[KafkaError] = []
    for record in anew(read(settings, topic, ends), change):
        produce(
            sender,
            clients.name(settings, topic),
            record.value,
            record.key,
            record.headers,
            partition=record.partition,
            on_delivery=lambda error, _: failures.append(error) if error else None,
            timestamp_ms=record.timestamp_ms,
        )
        sender.poll(0)
        left += 1
    waiting = sender.flush(_FLUSH_TIMEOUT_S)
    if failures or waiting:
        raise KafkaException(failures[0] if failures else KafkaError(KafkaError._TIMED_OUT))
    return left
