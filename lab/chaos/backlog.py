"""How much of what stands in the log the stages have not acknowledged."""

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streaming.contract import topics
from streaming.contract.topology import BY_NAME, GATE
from streaming.kafka import clients
from streaming.settings import KafkaSettings

TIMEOUT_S = 10.0


class Backlog:
    """Asks the broker, as often as one likes."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._clients: dict[str, Consumer] = {}

    def of(self, stage: str) -> int:
        """Offsets of what `stage` reads that it has not committed. Raises KafkaException if the broker is
        away."""
        asked = BY_NAME[stage]
        client = self._client(asked.group)
        return sum(self._end(client, at) - self._committed(client, at) for at in self._places(asked.reads))

    def decided(self) -> int:
        """Raw messages that have their outcome. Raises KafkaException if the broker is away."""
        client = self._client(GATE.group)
        return sum(self._committed(client, at) for at in self._places((topics.RAW,)))

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def _client(self, group: str) -> Consumer:
        """One that sees commits under way as not done, rather than wait for them. It joins no group."""
        if group not in self._clients:
            self._clients[group] = clients.consumer(
                self._settings, group, **{"isolation.level": "read_uncommitted", "log_level": 0}
            )
        return self._clients[group]

    def _places(self, read: tuple[str, ...]) -> list[TopicPartition]:
        return [
            TopicPartition(clients.name(self._settings, topic), partition)
            for topic in read
            for partition in range(self._settings.partitions)
        ]

    @staticmethod
    def _end(client: Consumer, at: TopicPartition) -> int:
        return int(client.get_watermark_offsets(at, timeout=TIMEOUT_S)[1])

    @staticmethod
    def _committed(client: Consumer, at: TopicPartition) -> int:
        [found] = client.committed([at], timeout=TIMEOUT_S)
        if found.error is not None:
            raise KafkaException(found.error)
        return max(found.offset, 0)
