"""The committed log, as recovery reads it."""

from collections.abc import Iterator

from confluent_kafka import Consumer

from streaming.contract import topics
from streaming.contract.time_units import HOUR_MS
from streaming.dedup.port import LogProgress
from streaming.gate.decide import decode_state
from streaming.gate.low_watermark import low_watermark_ms
from streaming.kafka.committed_log import CommittedLog

CLOCK_SLACK_MS = HOUR_MS
"""How far the brokers' clocks may differ, or be set back, without a rebuild or a dropped segment missing a
session."""


class GateLog:
    """CommittedSessions over Kafka, seen through the gate's own consumer."""

    def __init__(self, log: CommittedLog, consumer: Consumer) -> None:
        self._log, self._consumer = log, consumer

    def committed(self) -> LogProgress:
        found = [at for at in self._log.committed(self._consumer, topics.RAW) if at.offset > 0]
        offsets = {at.partition: at.offset for at in found}
        arrived_ms = {at.partition: decode_state(at.metadata).arrived_ms for at in found}
        # Read last: whatever comes after these ends arrived after everything that is committed.
        ends = self._log.ends(topics.RAW)
        return LogProgress(
            log=self._log.identity(topics.RAW, topics.VALID),
            offsets=offsets,
            arrived_ms=arrived_ms,
            low_watermark_ms=max(0, low_watermark_ms(offsets, arrived_ms, ends) - CLOCK_SLACK_MS),
            begins_ms=self._log.begins_ms(topics.VALID),
        )

    def is_ours_alone(self) -> bool:
        return len(self._consumer.assignment()) == len(self._log.partitions(topics.RAW))

    def newest_first(self) -> Iterator[Iterator[bytes]]:
        return self._log.newest_first(topics.VALID)

    def valid_sessions(self, since_ms: int) -> Iterator[tuple[bytes, float]]:
        # A valid session is stamped no earlier than its raw message arrived.
        return self._log.decided_values(topics.VALID, max(0, since_ms - CLOCK_SLACK_MS))
