"""How much of what stands in the log the stages have not acknowledged."""

from confluent_kafka import Consumer, TopicPartition

from streaming.contract.topology import BY_NAME, GATE
from streaming.kafka import clients
from streaming.kafka.partitions import committed_offsets, first_and_end
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
        places = self._places(asked.reads)
        ends = sum(first_and_end(client, at, TIMEOUT_S)[1] for at in places)
        return ends - self._committed(client, places)

    def decided(self) -> int:
        """Raw messages that have their outcome. Raises KafkaException if the broker is away."""
        return self._committed(self._client(GATE.group), self._places(GATE.reads))

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
    def _committed(client: Consumer, places: list[TopicPartition]) -> int:
        found = committed_offsets(client, places, patience_s=0.0, timeout_s=TIMEOUT_S)
        return sum(max(at.offset, 0) for at in found)
