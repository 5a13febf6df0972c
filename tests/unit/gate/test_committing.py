"""A batch is written once the one before is committed, and counts once that is sure."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from support.sessions import PSEUDONYMS

from streaming.dedup.port import BatchSpan, OutOfSync
from streaming.gate.committing import Committing, DecidedBatch
from streaming.gate.decide import PartitionState, Raw, Rules, decode_state
from streaming.gate.process import Batch
from streaming.kafka.transactions import TransactionLost

RULES = Rules(1, 1, 1, PSEUDONYMS)


class Writer:
    """Notes what it is told; loses the transaction at the steps named."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.loses_at: set[str] = set()
        self.offsets: list[TopicPartition] = []

    def _tell(self, step: str) -> None:
        self.told.append(step)
        if step in self.loses_at:
            raise TransactionLost(step)

    def send(self, topic: str, value: Any, key: Any, headers: Any = None) -> None:
        self._tell("send")

    def flush(self) -> None:
        self._tell("flush")

    def commit(self, group: object, offsets: Sequence[TopicPartition]) -> None:
        self._tell("commit")
        self.offsets = list(offsets)

    def abort(self) -> None:
        self._tell("abort")

    def poll(self) -> None:
        self._tell("poll")


class Member:
    def consumer_group_metadata(self) -> object:
        return "group"


class Gate:
    """Committing with its ears open."""

    def __init__(self, settle_s: float = 3_600) -> None:
        self.writer = Writer()
        self.committed: list[DecidedBatch] = []
        self.losses = 0
        self.in_step = True
        self.steps: list[str] = []
        self.committing = Committing(
            self.writer,
            Member(),  # type: ignore[arg-type]
            "raw",
            settle_s,
            self.confirm,
            self.committed.append,
            self.lose,
            self.steps.append,
        )

    def confirm(self, spans: Mapping[int, BatchSpan]) -> None:
        self.writer.told.append("confirm")
        if not self.in_step:
            raise OutOfSync

    def lose(self) -> None:
        self.losses += 1


def decided(offset: int, claimed_at_s: float = 1e12) -> DecidedBatch:
    batch = Batch([Raw(0, offset, 1_000, b"u", b"no session")], {0: offset}, RULES)
    return DecidedBatch(batch, batch.decide([], {0: PartitionState()}, RULES), claimed_at_s)


def test_a_batch_is_written_after_the_one_before_is_committed() -> None:
    gate = Gate()
    one, other = decided(0), decided(1)
    gate.committing.write(one)
    assert gate.committing.is_under_way
    gate.committing.write(other)
    assert gate.committed == [one]
    gate.committing.finish()
    assert not gate.committing.is_under_way
    assert gate.committed == [one, other]
    assert gate.writer.told == ["send", "flush", "commit"] * 2
    assert gate.steps == ["written", "flushed", "committed"] * 2


def test_the_state_of_the_partition_travels_with_its_offset() -> None:
    gate = Gate()
    gate.committing.write(decided(4))
    gate.committing.finish()
    [offset] = gate.writer.offsets
    assert (offset.topic, offset.partition, offset.offset) == ("raw", 0, 5)
    assert decode_state(offset.metadata).arrived_ms == 1_000


@pytest.mark.parametrize("step", ["flush", "commit"])
def test_a_batch_whose_transaction_is_lost_does_not_count_and_nothing_follows(step: str) -> None:
    gate = Gate()
    gate.writer.loses_at = {step}
    gate.committing.write(decided(0))
    with pytest.raises(TransactionLost):
        gate.committing.write(decided(1))
    assert gate.writer.told.count("send") == 1
    assert (gate.losses, gate.committed) == (1, [])


@pytest.mark.parametrize("was_committed", [True, False])
def test_a_batch_in_doubt_counts_once_if_the_committed_offsets_are_past_it(was_committed: bool) -> None:
    gate = Gate()
    gate.writer.loses_at = {"commit"}
    one = decided(0)
    gate.committing.write(one)
    with pytest.raises(TransactionLost):
        gate.committing.finish()
    for _ in range(2):
        gate.committing.resolve(lambda spans: was_committed)
    assert gate.committed == [one] * was_committed


def test_one_that_is_lost_while_it_is_sent_is_in_no_doubt() -> None:
    gate = Gate()
    gate.writer.loses_at = {"send"}
    with pytest.raises(TransactionLost):
        gate.committing.write(decided(0))
    gate.committing.resolve(lambda spans: True)
    assert (gate.losses, gate.committed) == (1, [])


@pytest.mark.parametrize("in_step", [True, False])
def test_long_after_the_claims_the_store_is_asked_again_before_the_commit(in_step: bool) -> None:
    gate = Gate(settle_s=0)
    gate.in_step = in_step
    gate.committing.write(decided(0, claimed_at_s=0))
    with nullcontext() if in_step else pytest.raises(TransactionLost):
        gate.committing.finish()
    assert gate.writer.told == ["send", "flush", "confirm", "commit" if in_step else "abort"]


def test_with_nothing_to_do_it_finishes_and_lets_the_client_tell() -> None:
    gate = Gate()
    one = decided(0)
    gate.committing.write(one)
    gate.committing.poll()
    assert gate.committed == [one]
    assert gate.writer.told[-1] == "poll"
