"""Reads rejections and attempts from the log."""

from collections.abc import Iterator, Mapping

from streaming.contract import topics
from streaming.contract.correction import corrected, digest
from streaming.contract.headers import header_texts, headers_of
from streaming.contract.log_position import LogPosition, parse_log_position
from streaming.contract.period import Window
from streaming.contract.topology import GATE
from streaming.kafka import clients, offsets
from streaming.replay.history import ERASED, KEPT, Attempt, History, Rejected, State
from streaming.settings import KafkaSettings

NOTHING_KEPT = "of messages without consent (no_consent) no content is kept"


def rejections(settings: KafkaSettings, period: Window | None = None) -> Iterator[Rejected]:
    """Yields every rejection whose raw message arrived in `period`; all without a period. Leaves out records
    whose headers do not name their raw message: reconcile reports them."""
    for message in clients.read_all(settings, topics.REJECTED):
        headers = header_texts(message)
        try:
            at = parse_log_position(
                f"{headers.get(topics.HEADER_RAW_PARTITION, '')}:{headers.get(topics.HEADER_RAW_OFFSET, '')}"
            )
            arrived_at_ms = int(headers.get(topics.HEADER_ARRIVED_AT_MS, "0"))
        except ValueError:
            continue
        if period is None or period.from_ms <= arrived_at_ms < period.to_ms:
            yield Rejected(
                at,
                headers.get(topics.HEADER_REASON, ""),
                headers.get(topics.HEADER_DETAIL, ""),
                arrived_at_ms,
                message.key(),
                message.value(),
                kept_state(headers),
            )


def history(settings: KafkaSettings) -> History:
    """Returns the history of everything sent again so far. Raises KafkaException."""
    decided = offsets.committed(settings, GATE.group, topics.RAW)
    found = History(list(_attempts(settings)), decided)
    for one in rejections(settings):
        found.add_rejection(one.position, one.reason, one.kept)
    return found


def kept_state(headers: Mapping[str, str]) -> State | None:
    """Returns the state that the log has kept of a rejected message; None if it has kept none."""
    return ERASED if topics.HEADER_ERASED in headers else KEPT.get(headers.get(topics.HEADER_SETTLED, ""))


def wait_until_decided(settings: KafkaSettings, deadline_s: float) -> None:
    """Waits until the gate has decided everything sent so far, and its outcomes are visible. Raises
    StageBehind."""
    ends = offsets.ends(settings, topics.RAW)
    offsets.wait_past(settings, GATE.group, topics.RAW, ends, deadline_s)
    offsets.wait_visible(settings, topics.REJECTED, deadline_s)


def _attempts(settings: KafkaSettings) -> Iterator[Attempt]:
    for message in clients.read_all(settings, topics.RAW):
        value = message.value()
        root = corrected(headers_of(message), value)
        partition, offset = message.partition(), message.offset()
        if root is not None and partition is not None and offset is not None:
            yield Attempt(LogPosition(partition, offset), root, digest(value))
