"""The gate's word that enough sessions have come for an extraction. It only wakes a run: Airflow commits its
offset before the run's work is done, so it carries no data and losing one costs nothing but a wait for the
hourly run."""

from typing import Protocol


class _Message(Protocol):
    def topic(self) -> str | None: ...
    def partition(self) -> int | None: ...
    def offset(self) -> int | None: ...


def wake(message: _Message) -> dict[str, object]:
    """What the asset event tells of `message`: where it stands. Called by the kafka provider's trigger by
    this module's dotted name; any content wakes, so no bytes can stop the trigger."""
    return {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}
