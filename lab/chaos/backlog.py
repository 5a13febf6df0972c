"""How many records of their topics the stages have not acknowledged."""

from confluent_kafka import Consumer, TopicPartition

from streaming.contract.topology import BY_NAME, GATE
from streaming.kafka import clients
from streaming.kafka.partitions import committed_offsets, first_and_end
from streaming.settings import KafkaSettings

TIMEOUT_S = 10.0


class Backlog:
    """Reads offsets from the broker on each call."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._clients: dict[str, Consumer] = {}

    def of(self, stage: str) -> int:
        """Returns the number of offsets that `stage` has not committed. Raises KafkaException if the broker
        is unavailable."""
        declared = BY_NAME[stage]
        client = self._client(declared.group)
        places = self._places(declared.reads)
        ends = sum(first_and_end(client, at, TIMEOUT_S)[1] for at in places)
        return ends - self._committed(client, places)

    def decided(self) -> int:
        """Returns the number of raw messages with an outcome. Raises KafkaException if the broker is
        unavailable."""
        return self._committed(self._client(GATE.group), self._places(GATE.reads))

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def _client(self, group: str) -> Consumer:
        """Returns a client that does not wait for open transactions: it treats their commits as not done. It
        joins no group."""
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
