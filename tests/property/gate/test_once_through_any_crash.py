"""The gate's decisions against an oracle, through crashes between any two steps and a store that forgets.

A state machine plays gates on three partitions over a log in memory, whose transactions are atomic as Kafka's
are. All decisions are the product's own code; at the end an oracle that shares nothing with it judges. Each
mutant has one fault of the kinds that lose or double sessions; the machine must find it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from streaming.adapters.seen_remembered import RememberedSeen
from streaming.events.contract import Session
from streaming.gate.decide import TAKEN, PartitionState, Raw, Rules, decode_state, encode_state
from streaming.gate.process import Batch
from streaming.gate.records import Record, records
from streaming.gate.recovery import recover
from streaming.ports import OutOfStep

PARTITIONS = 3
LATENESS_MS = 50
EXTRACTION_EVERY = 3
RULES = Rules(LATENESS_MS, EXTRACTION_EVERY)
ARRIVED_MS = 1_000_000


WORDS = ["name", "email", "gender", "deviceType", "operatingSystem", "browserType", "referrer"]
PLACES = ["country", "state", "city", "zipCode"]
LISTS = ["productIds", "productNames", "productPrices", "productCategories", "actions", "reviews"]


def raw_value(session: int, user: int, event_time_ms: int, feed: str) -> bytes:
    fields: dict[str, object] = dict.fromkeys(WORDS + PLACES, "x") | {name: [] for name in LISTS}
    fields |= {
        "schemaVersion": 1,
        "sessionId": f"s{session}",
        "userId": f"u{user}",
        "eventTimeMs": event_time_ms,
    }
    fields |= {"feed": feed, "pageViews": 1, "clicks": 1, "sessionDuration": 1, "purchaseMade": False}
    fields |= {"amountSpent": 0, "paymentMethodType": None}
    return json.dumps(fields).encode()


SENT = st.tuples(
    st.integers(0, 7), st.integers(0, 4), st.integers(0, 200), st.sampled_from(["live", "live", "import"])
)
"""Session, user, event time and feed of a message."""


@dataclass
class Asked:
    batch: Batch
    answers: bytes


class Machine(RuleBasedStateMachine):
    """Three gates, one a partition, that share a store."""

    transactions: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.seen = self.make_store()
        self.raw: dict[int, list[bytes]] = {partition: [] for partition in range(PARTITIONS)}
        self.out: list[Record] = []
        self.offsets: dict[int, tuple[int, str]] = {}
        self.asked: dict[int, Asked] = {}
        self.generation: str | None = None
        self.saved: object | None = None

    def make_store(self) -> RememberedSeen:
        return RememberedSeen()

    # What recovery reads: CommittedSessions.

    def identity(self) -> str:
        return "log"

    def committed(self) -> dict[int, int]:
        return {partition: offset for partition, (offset, _) in self.offsets.items()}

    def is_ours_alone(self) -> bool:
        return False

    def valid_sessions(self) -> Iterator[tuple[bytes, float]]:
        for record in list(self.out):
            if record.topic == "valid_customer_session" and record.value is not None:
                yield record.value, 0.5

    # What happens.

    @initialize()
    def first_save(self) -> None:
        self.saved = self.seen.snapshot()

    @rule(sent=st.lists(SENT, min_size=1, max_size=4))
    def send(self, sent: list[tuple[int, int, int, str]]) -> None:
        for session, user, at, feed in sent:
            self.raw[user % PARTITIONS].append(raw_value(session, user, at, feed))

    @rule(partition=st.integers(0, PARTITIONS - 1), value=st.sampled_from([b"", b"{", b"\xff", b"[]"]))
    def send_broken(self, partition: int, value: bytes) -> None:
        self.raw[partition].append(value)

    @rule(partition=st.integers(0, PARTITIONS - 1), size=st.integers(1, 5))
    def ask(self, partition: int, size: int) -> None:
        """Reads a batch at the committed offset and has its sessions claimed."""
        begin = self.offsets.get(partition, (0, ""))[0]
        values = self.raw[partition][begin : begin + size]
        if not values:
            return
        raws = [Raw(partition, begin + i, ARRIVED_MS, b"k", value) for i, value in enumerate(values)]
        batch = Batch(raws, {partition: begin})
        while True:
            try:
                self.asked[partition] = Asked(batch, batch.ask(self.seen, self.generation or ""))
                return
            except OutOfStep:
                # Recovery waits until no other gate can commit on what the store said before.
                self.asked.clear()
                self.generation = recover(self.seen, self, 0)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        partition = data.draw(st.sampled_from(sorted(self.asked)))
        for step in self.steps(partition, self.asked.pop(partition)):
            if not self.transactions and data.draw(st.booleans(), label=f"crash before {step.__name__}"):
                return
            step()

    def steps(self, partition: int, asked: Asked):
        begin, metadata = self.offsets.get(partition, (0, ""))
        decision = asked.batch.decide(asked.answers, {partition: decode_state(metadata)}, RULES)
        end = begin + len(asked.batch.raws)

        def produce() -> None:
            self.out.extend(records(decision))

        def offsets() -> None:
            self.offsets[partition] = end, encode_state(decision.after[partition])

        return [produce, offsets]

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def work_undisturbed(self, partition: int) -> None:
        self.ask(partition, 5)
        if partition in self.asked:
            for step in self.steps(partition, self.asked.pop(partition)):
                step()

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        """A gate dies after its claims: the transaction never was."""
        del self.asked[data.draw(st.sampled_from(sorted(self.asked)))]

    @rule()
    def forget(self) -> None:
        self.seen.forget()

    @rule()
    def save(self) -> None:
        self.saved = self.seen.snapshot()

    @rule(older=st.booleans())
    def restart(self, older: bool) -> None:
        self.seen.restart(self.saved if older else None)

    # What should have come out.

    def teardown(self) -> None:
        self.asked.clear()
        while any(self.offsets.get(p, (0, ""))[0] < len(values) for p, values in self.raw.items()):
            for partition in range(PARTITIONS):
                self.work_undisturbed(partition)
        judge(self.raw, self.out)


def judge(raw: Mapping[int, Sequence[bytes]], out: Sequence[Record]) -> None:
    """Asserts all that must hold between what was sent and what came out."""
    outcome_at: dict[tuple[int, int], tuple[str, dict]] = {}
    order: dict[int, list[int]] = defaultdict(list)
    due: Counter[int] = Counter()
    for record in out:
        if record.topic == "valid_customer_session":
            fields = json.loads(record.value or b"")
            place, outcome = (fields["rawPartition"], fields["rawOffset"]), ("valid", fields)
        elif record.topic == "rejected_user_session":
            headers = dict(record.headers or [])
            place = int(headers["raw_partition"]), int(headers["raw_offset"])
            outcome = headers["reason"].decode(), {}
            assert record.value == raw[place[0]][place[1]]
        else:
            due[json.loads(record.value)["rawPartition"]] += 1
            continue
        assert place not in outcome_at, f"two outcomes of {place}"
        outcome_at[place] = outcome
        order[place[0]].append(place[1])
    assert set(outcome_at) == {(p, o) for p, values in raw.items() for o in range(len(values))}, "lost"
    assert all(offsets == sorted(offsets) for offsets in order.values())

    valid_of: Counter[str] = Counter()
    new_of: Counter[str] = Counter()
    sent_sessions: set[str] = set()
    for partition, values in raw.items():
        newest, valid = 0, 0
        for offset, value in enumerate(values):
            outcome, fields = outcome_at[partition, offset]
            try:
                sent = json.loads(value)
                sent_sessions.add(sent["sessionId"])
            except (ValueError, TypeError):
                assert outcome not in ("valid", "duplicate")
                continue
            assert outcome in ("valid", "duplicate")
            if outcome == "duplicate":
                continue
            valid += 1
            valid_of[sent["sessionId"]] += 1
            new_of[sent["userId"]] += fields["userKind"] == "new"
            assert {**fields, **sent} == fields, "the session itself is unchanged"
            live = sent["feed"] == "live"
            assert fields["late"] == (live and sent["eventTimeMs"] < newest - LATENESS_MS)
            newest = max(newest, sent["eventTimeMs"]) if live else newest
        assert due[partition] == valid // EXTRACTION_EVERY
    assert valid_of == Counter(sent_sessions), "each session is valid exactly once"
    assert set(new_of.values()) <= {1}, "each user with a valid session is new exactly once"


CHECK = settings(max_examples=300, stateful_step_count=40, deadline=None, database=None)
FIND = settings(
    CHECK,
    max_examples=2_000,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)


def test_each_session_passes_once_and_nothing_is_lost() -> None:
    run_state_machine_as_test(Machine, settings=CHECK)


class OutputAndOffsetsApart(Machine):
    """Non-idempotent sink: a crash between output and offsets writes again."""

    transactions = False


class OffsetsFirst(OutputAndOffsetsApart):
    """Commit before flush: a crash in between loses the output."""

    def steps(self, partition: int, asked: Asked):
        return super().steps(partition, asked)[::-1]


class ClaimsWithoutPosition(RememberedSeen):
    """Filter before produce: a claim that does not know whose it is refuses its own replay."""

    def claim(self, generation, sessions, positions, spans):
        held = self._generations.get(generation)
        seen = set(held.sessions) if held else set()
        answers = super().claim(generation, sessions, positions, spans)
        return bytes(
            TAKEN if session.session_id in seen else answer
            for session, answer in zip(sessions, answers, strict=True)
        )


class MaybeIsEnough(RememberedSeen):
    """The Bloom filter's word alone refuses."""

    def claim(self, generation, sessions: Sequence[Session], positions, spans):
        answers = super().claim(generation, sessions, positions, spans)
        return bytes(
            TAKEN if session.session_id == "s7" else answer
            for session, answer in zip(sessions, answers, strict=True)
        )


class SpringsIntoBeing(RememberedSeen):
    """A store that lost everything goes on as if it were merely empty."""

    def forget(self) -> None:
        if self._current is not None:
            held = self._generations[self._current]
            held.sessions.clear()
            held.users.clear()


class TrustsARestart(RememberedSeen):
    """A store that came back with older data is not compared with the log."""

    def restart(self, snapshot: object | None = None) -> None:
        held = self._generations.get(self._current or "")
        offsets = dict(held.offsets) if held else {}
        super().restart(snapshot)
        self._trusted = self._starts
        if self._current is not None:
            self._generations[self._current].offsets |= offsets


def with_store(store: type[RememberedSeen]) -> type[Machine]:
    return type(f"With{store.__name__}", (Machine,), {"make_store": lambda self: store()})


class ForgetsItsState(Machine):
    """Watermark and count are not carried in the offset's metadata."""

    def steps(self, partition: int, asked: Asked):
        begin, _ = self.offsets.get(partition, (0, ""))
        self.offsets[partition] = begin, encode_state(PartitionState())
        return super().steps(partition, asked)


@pytest.mark.parametrize(
    "mutant",
    [
        OutputAndOffsetsApart,
        OffsetsFirst,
        ForgetsItsState,
        *map(with_store, [ClaimsWithoutPosition, MaybeIsEnough, SpringsIntoBeing, TrustsARestart]),
    ],
)
def test_the_machine_finds_an_injected_fault(mutant: type[Machine]) -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(mutant, settings=FIND)
