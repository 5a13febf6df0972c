"""Waits until everything that was sent before a moment has come through all stages."""

from collections.abc import Callable

from streaming.adapters import kafka_progress
from streaming.events import topics
from streaming.settings import KafkaSettings
from streaming.summaries.settings import GROUP as SUMMARIES

GATE, STORE, INDEX = "gate", "store", "index"


class HeadGone(RuntimeError):
    """Retention has deleted the beginning of a topic, so that the account cannot be complete."""


def wait(settings: KafkaSettings, deadline_s: float, tell: Callable[[str], None]) -> dict[int, int]:
    """Takes the ends of the raw topic, waits until every stage has dealt with what lies before them, and
    returns them. Raises Behind when time.monotonic() comes to `deadline_s`, HeadGone or KafkaException."""
    for topic in (topics.RAW, topics.VALID, topics.REJECTED):
        if deleted := sum(kafka_progress.starts(settings, topic).values()):
            raise HeadGone(
                f"Retention has deleted the first {deleted} records of {topic}: what became of them can no"
                " longer be shown. Reconcile within the topics' retention, or lengthen it."
            )
    until = kafka_progress.ends(settings, topics.RAW)

    def passed(group: str, topic: str, goals: dict[int, int]) -> None:
        def behind(by: dict[int, int]) -> None:
            tell(f"waiting for {group}: {sum(by.values())} offsets of {topic} to go")

        kafka_progress.wait_past(settings, group, topic, goals, deadline_s, behind)

    passed(GATE, topics.RAW, until)
    kafka_progress.wait_visible(settings, topics.REJECTED, deadline_s)  # no stage reads that topic
    valid = kafka_progress.ends(settings, topics.VALID)
    passed(STORE, topics.VALID, valid)
    passed(SUMMARIES, topics.VALID, valid)
    for topic in topics.INDEXED:
        # Flink writes before it commits the offsets it read, so the ends that count are there by now.
        passed(INDEX, topic, kafka_progress.ends(settings, topic))
    return until
