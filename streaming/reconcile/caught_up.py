"""Waits until all stages have processed everything sent before a moment, and returns what is compared."""

from collections.abc import Callable

from streaming.contract import topics
from streaming.contract.period import Window
from streaming.contract.topology import FLINK_JOB, GATE, INDEX, STAGES, STORE, StageDeclaration
from streaming.kafka import offsets
from streaming.reconcile.evidence import OffsetRange, ReconcileScope
from streaming.settings import KafkaSettings


def wait(
    settings: KafkaSettings, period: Window | None, deadline_s: float, tell: Callable[[str], None]
) -> ReconcileScope:
    """Reads the ends of the raw topic, waits until every stage has processed everything before them, and
    returns the scope of the comparison. Raises StageBehind when time.monotonic() reaches `deadline_s`, or
    KafkaException. `tell` gets the progress."""
    valid_from = offsets.ends(settings, topics.VALID)
    until = offsets.ends(settings, topics.RAW)

    def wait_for(stage: StageDeclaration, topic: str, goals: dict[int, int]) -> None:
        def behind(by: dict[int, int]) -> None:
            tell(f"waiting for {stage.group}: {sum(by.values())} offsets of {topic} left")

        offsets.wait_past(settings, stage.group, topic, goals, deadline_s, behind)

    wait_for(GATE, topics.RAW, until)
    offsets.wait_visible(settings, topics.REJECTED, deadline_s)  # no stage reads that topic
    valid = offsets.ends(settings, topics.VALID)
    wait_for(STORE, topics.VALID, valid)
    wait_for(FLINK_JOB, topics.VALID, valid)
    for topic in INDEX.reads:
        # Flink writes its documents before it commits the offsets it read, so they are before these ends.
        wait_for(INDEX, topic, offsets.ends(settings, topic))

    return ReconcileScope(
        spans=_spans(settings, period, until),
        until=until,
        valid_from=valid_from,
        cut={
            topic: [at for at, low in offsets.starts(settings, topic).items() if low]
            for topic in (topics.VALID, topics.REJECTED)
        },
        stages={
            stage.group: {topic: offsets.committed(settings, stage.group, topic) for topic in stage.reads}
            for stage in STAGES
        },
        whole=period is None,
    )


def _spans(settings: KafkaSettings, period: Window | None, until: dict[int, int]) -> dict[int, OffsetRange]:
    low = offsets.starts(settings, topics.RAW)
    first, last = low, until
    if period is not None:
        first, last = (
            offsets.offsets_at(settings, topics.RAW, moment_ms)
            for moment_ms in (period.from_ms, period.to_ms)
        )
    return {
        at: OffsetRange(min(max(first[at], low[at]), end), max(min(last[at], end), min(low[at], end)))
        for at, end in until.items()
    }
