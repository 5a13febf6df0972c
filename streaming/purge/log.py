"""Writes the log anew without a feed. Rejected messages go whole: not all of them say of which feed they
are."""

from contextlib import closing

from confluent_kafka import TopicPartition
from msgspec.structs import replace

from streaming.contract import topics
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.topology import GATE
from streaming.contract.valid_session import try_decode
from streaming.gate.decide import decode_state, encode_state
from streaming.kafka import clients
from streaming.kafka.partitions import committed_offsets, partitions_of
from streaming.purge.kept import without
from streaming.rewriting import log
from streaming.settings import KafkaSettings


def has(settings: KafkaSettings, feed: str, pseudonyms: Pseudonyms) -> bool:
    """True if the log has a valid session of `feed`."""
    sessions = (try_decode(record.value, pseudonyms) for record in log.read(settings, topics.VALID))
    return any(session is not None and session.feed == feed for session in sessions)


def rewrite(settings: KafkaSettings, feed: str, pseudonyms: Pseudonyms) -> int:
    """Leaves only the sessions of other feeds, and returns how many they are. No stage may write meanwhile.
    Killed midway, it may be called again. Raises KafkaException."""
    return log.rewrite(settings, {topics.VALID: without(feed, pseudonyms)})[topics.VALID]


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
