"""What the batch runner needs of a stage."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from confluent_kafka import TopicPartition

from streaming.kafka.assignment import Records

Batch = TypeVar("Batch")
Result = TypeVar("Result")


class NotPrepared(Exception):
    """Raised by an attempt: the stage must be prepared anew, then the attempt is repeated at once."""


class Stage(Protocol[Batch, Result]):
    """What a stage does with its batches. Everything but `attempt` is called from the loop's thread;
    `prepare`, `commit`, `finish` and `idle` may raise TransactionLost."""

    @property
    def is_committing(self) -> bool:
        """True while a batch is being committed in the background."""

    def assigned(self, committed: Sequence[TopicPartition]) -> None:
        """Reading continues at these offsets, on partitions just assigned or after a rewind."""

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """These partitions belong to another instance from now on."""

    def rewound(self, committed: Sequence[TopicPartition]) -> None:
        """After `assigned`: what was read and not committed was dropped."""

    def read(self, read: Records) -> Batch:
        """Decodes records."""

    def prepare(self) -> None:
        """Called before each attempt. Raises StoreUnavailable."""

    def attempt(self, batch: Batch) -> Result:
        """Called in a thread of its own, one batch after another. Raises StoreUnavailable or NotPrepared."""

    def commit(self, batch: Batch, result: Result, began_s: float) -> None:
        """Commits a batch, or begins to. `began_s`: the monotonic time at which its attempt began."""

    def finish(self) -> None:
        """Waits until nothing is being committed."""

    def idle(self) -> None:
        """Called while there is nothing to read. Raises StoreUnavailable."""

    def after_turn(self) -> None:
        """Called after each turn of the loop: for what is done now and then."""
