"""The gate's message that enough sessions have arrived for an extraction. It only starts a run and carries no
data: Airflow commits its offset before the run is done, so it can be lost; then the next hourly run extracts
the sessions."""

from typing import Protocol


class _Message(Protocol):
    def topic(self) -> str | None: ...
    def partition(self) -> int | None: ...
    def offset(self) -> int | None: ...


def wake(message: _Message) -> dict[str, object]:
    """Returns the extra data of the asset event: the position of `message`. The Kafka provider's trigger
    calls it by its dotted name. It accepts any content, so that no message can stop the trigger."""
    return {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}
