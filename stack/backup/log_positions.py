"""Where the restored stores continue in the log.

A backup notes how far the sinks had committed before it reads their stores. So each store that it holds has
all that was committed then, and whatever it has beyond is written a second time without an effect. The gate
is not among them: its offsets are in the same transactions as its outcomes. Set back, it would decide again
what is in the log already, and every session would count twice.
"""

import time
from collections.abc import Callable

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from stack.backup.manifest import LogPositions
from streaming.contract import topics
from streaming.contract.topology import INDEX, STORE
from streaming.kafka import clients, offsets
from streaming.kafka.committed_log import CommittedLog
from streaming.kafka.partitions import TIMEOUT_S
from streaming.settings import KafkaSettings

SINKS = (STORE, INDEX)
PATIENCE_S = 120.0
_PAUSE_S = 1.0


def now(settings: KafkaSettings) -> LogPositions:
    """Returns what the sinks have committed. Raises KafkaException."""
    return LogPositions(
        _identity(settings),
        {
            sink.group: {topic: offsets.committed(settings, sink.group, topic) for topic in sink.reads}
            for sink in SINKS
        },
    )


def is_same_log(settings: KafkaSettings, saved: LogPositions) -> bool:
    """True if the log is the one in which `saved` are positions. Raises KafkaException."""
    return _identity(settings) == saved.identity


def continue_from(
    settings: KafkaSettings, saved: LogPositions, tell: Callable[[str], None]
) -> dict[str, int]:
    """Sets the offsets of the sinks, none of which may run, to where their restored stores continue: in
    another log, to its beginning. Returns, by topic, how many records retention has deleted that a store
    still needs. Raises KafkaException."""
    same, expired = is_same_log(settings, saved), dict[str, int]()
    admin = AdminClient(clients.properties(settings))  # kept until its answers are here: they die with it
    for sink in SINKS:
        wanted = []
        for topic in sink.reads:
            committed = saved.committed.get(sink.group, {}).get(topic, {}) if same else {}
            for partition, start in offsets.starts(settings, topic).items():
                at = committed.get(partition, start)
                if start > at:
                    expired[topic] = expired.get(topic, 0) + start - at
                wanted.append(TopicPartition(clients.name(settings, topic), partition, max(at, start)))
        _commit(admin, ConsumerGroupTopicPartitions(clients.name(settings, sink.group), wanted), tell)
        tell(f"{sink.name} continues {'where its store was saved' if same else 'at the beginning'}")
    return expired


def _commit(admin: AdminClient, group: ConsumerGroupTopicPartitions, tell: Callable[[str], None]) -> None:
    """Commits for a group. Kafka refuses as long as it has members: those of processes that were killed with
    the machine are members until Kafka has missed them for a session timeout."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            for answer in admin.alter_consumer_group_offsets([group], request_timeout=TIMEOUT_S).values():
                # A refusal is no exception of the answer, but a field in it.
                for refused in (one.error for one in answer.result(TIMEOUT_S).topic_partitions if one.error):
                    raise KafkaException(refused)
            return
        except KafkaException:
            if time.monotonic() > deadline_s:
                raise
        tell(f"waits until no process is a member of {group.group_id} …")
        time.sleep(_PAUSE_S)


def _identity(settings: KafkaSettings) -> str:
    return CommittedLog(settings).identity(topics.RAW, topics.VALID, *topics.INDEXED)
