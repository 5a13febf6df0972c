"""Writes the log anew without a feed: Kafka deletes no single record.

The valid sessions that stay are written behind the present ones, then everything before them is deleted, and
with it all that was made of them: the Flink job makes it again from what is left. Raw and rejected messages
go too, as far as the gate has decided them: not all of them say of which feed they are.
"""

from collections.abc import Iterator
from contextlib import closing

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace

from streaming.contract import topics
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.topology import GATE
from streaming.contract.valid_session import try_decode
from streaming.gate.decide import decode_state, encode_state
from streaming.kafka import clients, offsets
from streaming.kafka.partitions import TIMEOUT_S, committed_offsets, partitions_of
from streaming.kafka.produce import produce
from streaming.purge.kept import Logged, kept
from streaming.settings import KafkaSettings

OF_THE_GATE = (topics.VALID, topics.REJECTED)
MADE_AGAIN = (*topics.INDEXED, topics.REFUSED_DOCUMENTS)
"""Cut at their ends without waiting: the Flink job, which was cancelled, may have left transactions open."""
_FLUSH_TIMEOUT_S = 120.0


def has(settings: KafkaSettings, feed: str, pseudonyms: Pseudonyms) -> bool:
    """True if the log has a valid session of `feed`."""
    sessions = (try_decode(record.value, pseudonyms) for record in _valid(settings))
    return any(session is not None and session.feed == feed for session in sessions)


def rewrite(settings: KafkaSettings, feed: str, pseudonyms: Pseudonyms) -> int:
    """Leaves only the sessions of other feeds, and returns how many they are. No stage may write meanwhile.
    Killed midway, it may be called again. Raises KafkaException."""
    ends = {topic: offsets.wait_visible(settings, topic) for topic in OF_THE_GATE}
    ends |= {topic: offsets.ends(settings, topic) for topic in MADE_AGAIN}
    ends[topics.RAW] = offsets.committed(settings, GATE.group, topics.RAW)
    left = _copy(settings, feed, pseudonyms)
    cuts = [
        TopicPartition(clients.name(settings, topic), partition, end)
        for topic, of in ends.items()
        for partition, end in of.items()
        if end > 0
    ]
    deleted = AdminClient(clients.properties(settings)).delete_records(cuts, request_timeout=TIMEOUT_S)
    for answer in deleted.values():
        answer.result(TIMEOUT_S)
    return left


def forget_watermarks(settings: KafkaSettings) -> None:
    """Has the gate judge lateness as if no live session had come, once they are purged. No gate may run."""
    with closing(clients.consumer(settings, GATE.group)) as client:
        raw = clients.name(settings, topics.RAW)
        committed = committed_offsets(client, partitions_of(client, raw))
        anew = [
            TopicPartition(raw, at.partition, at.offset, metadata=_without_watermark(at.metadata))
            for at in committed
            if at.offset >= 0
        ]
        if anew:
            client.commit(offsets=anew, asynchronous=False)


def _without_watermark(metadata: str | None) -> str:
    return encode_state(replace(decode_state(metadata), watermark_ms=0))


def _copy(settings: KafkaSettings, feed: str, pseudonyms: Pseudonyms) -> int:
    sender, left = clients.producer(settings), 0
    failures: list[KafkaError] = []
    for record in kept(_valid(settings), feed, pseudonyms):
        produce(
            sender,
            clients.name(settings, topics.VALID),
            record.value,
            record.key,
            partition=record.partition,
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
        sender.poll(0)
        left += 1
    waiting = sender.flush(_FLUSH_TIMEOUT_S)
    if failures or waiting:
        raise KafkaException(failures[0] if failures else KafkaError(KafkaError._TIMED_OUT))
    return left


def _valid(settings: KafkaSettings) -> Iterator[Logged]:
    for message in clients.read_all(settings, topics.VALID):
        yield Logged(message.partition() or 0, message.key(), message.value())
