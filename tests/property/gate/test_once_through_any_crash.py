"""The gate's decisions against an oracle, through crashes between any two steps and a store that forgets.

A state machine plays gates on three partitions over a log in memory, whose transactions are atomic as Kafka's
are, while time passes the horizon by. All decisions are the product's own code; at the end an oracle that
shares nothing with it judges. Each mutant has one fault of the kinds that lose or double sessions; the
machine must find it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

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
from support.records import text_headers
from support.sessions import PSEUDONYMS, raw_value

from streaming.contract.feeds import Feeds
from streaming.contract.horizon import Horizon
from streaming.contract.session import Consent, Visit
from streaming.dedup.memory import InMemoryDedupStore
from streaming.dedup.port import ClaimAnswer, ClaimRequest, Generation, LogProgress, OutOfSync
from streaming.gate.decide import PartitionState, Raw, Rules, decode_state, encode_state
from streaming.gate.low_watermark import low_watermark_ms
from streaming.gate.process import Batch
from streaming.gate.records import OutputRecord, records
from streaming.gate.recovery import recover

PARTITIONS = 3
LATENESS_MS = 50
EXTRACTION_EVERY = 3
HORIZON_MS = 100_000
HORIZON = Horizon(HORIZON_MS, segments=2)
SEGMENT_MS = 200_000  # the horizon and the tolerance for the future, in halves
RULES = Rules(LATENESS_MS, EXTRACTION_EVERY, HORIZON_MS, PSEUDONYMS, Feeds(named=frozenset({"import"})))
EPOCH_MS = 946_684_800_000
"""2000: the contract refuses earlier times. A whole number of segments."""
BEGIN_MS = EPOCH_MS + 10_000_000
REFUSED = b'"analytics":false'


SENT = st.tuples(
    st.integers(0, 9),
    st.integers(0, PARTITIONS - 1),
    st.integers(0, 3),
    st.sampled_from([0, 30, 90, 200, HORIZON_MS, HORIZON_MS + 1]),
    st.sampled_from(["live", "live", "import"]),
)
"""Session, partition, and, if it is sent for the first time, user, age and feed of a message."""


@dataclass
class Sent:
    """A message on a raw partition."""

    arrived_ms: int
    value: bytes


@dataclass
class Asked:
    batch: Batch
    answers: Sequence[ClaimAnswer]


class Machine(RuleBasedStateMachine):
    """Three gates, one a partition, that share a store."""

    transactions: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.seen = self.make_store()
        self.now_ms = BEGIN_MS
        self.known: dict[int, tuple[str, bytes]] = {}
        """Feed and value of each session sent: it is sent again as it was."""
        self.raw: dict[int, list[Sent]] = {partition: [] for partition in range(PARTITIONS)}
        self.out: list[OutputRecord] = []
        self.offsets: dict[int, tuple[int, str]] = {}
        self.asked: dict[int, Asked] = {}
        self.generation: Generation | None = None
        self.saved: object | None = None
        self.has_lost = False

    def make_store(self) -> InMemoryDedupStore:
        return InMemoryDedupStore(HORIZON)

    # What recovery reads: CommittedSessions.

    def committed(self) -> LogProgress:
        offsets = {partition: offset for partition, (offset, _) in self.offsets.items()}
        arrived_ms = {p: decode_state(metadata).arrived_ms for p, (_, metadata) in self.offsets.items()}
        ends = {partition: len(sent) for partition, sent in self.raw.items()}
        return LogProgress("log", offsets, arrived_ms, low_watermark_ms(offsets, arrived_ms, ends), 0)

    def is_ours_alone(self) -> bool:
        return False

    def newest_first(self) -> Iterator[Iterator[bytes]]:
        sessions = (one.value or b"" for one in reversed(self.out) if one.topic == "valid_customer_session")
        yield sessions

    def valid_sessions(self, since_ms: int) -> Iterator[tuple[bytes, float]]:
        for record in list(self.out):
            value = record.value or b""
            if record.topic == "valid_customer_session" and json.loads(value)["arrivedAtMs"] >= since_ms:
                yield value, 0.5

    # What happens.

    @initialize()
    def first_save(self) -> None:
        self.saved = self.seen.snapshot()

    @rule(sent=st.lists(SENT, min_size=1, max_size=4))
    def send(self, sent: list[tuple[int, int, int, int, str]]) -> None:
        for session, partition, user, age_ms, feed in sent:
            event_time_ms = self.now_ms - age_ms if feed == "live" else EPOCH_MS + age_ms
            new = (
                feed,
                raw_value(
                    session_id=f"s{session}", user_id=f"u{user}", event_time_ms=event_time_ms, feed=feed
                ),
            )
            first_feed, value = self.known.setdefault(session, new)
            # An import is keyed by its users, so that what it repeats is on one partition.
            at = partition if first_feed == "live" else session % PARTITIONS
            self.raw[at].append(Sent(self.now_ms, value))

    @rule(partition=st.integers(0, PARTITIONS - 1), value=st.sampled_from([b"", b"{", b"\xff", b"[]"]))
    def send_broken(self, partition: int, value: bytes) -> None:
        self.raw[partition].append(Sent(self.now_ms, value))

    @rule(
        session=st.integers(0, 9),
        partition=st.integers(0, PARTITIONS - 1),
        feed=st.sampled_from(["live", "import"]),
    )
    def send_refused(self, session: int, partition: int, feed: str) -> None:
        """Without consent: it must neither take another's place nor leave a trace."""
        value = raw_value(
            session_id=f"s{session}", event_time_ms=self.now_ms, feed=feed, consent=Consent(analytics=False)
        )
        self.raw[partition].append(Sent(self.now_ms, value))

    @rule(by_ms=st.sampled_from([10, HORIZON_MS, SEGMENT_MS, 3 * SEGMENT_MS]))
    def time_passes(self, by_ms: int) -> None:
        self.now_ms += by_ms

    @rule(partition=st.integers(0, PARTITIONS - 1), size=st.integers(1, 5))
    def ask(self, partition: int, size: int) -> None:
        """Reads a batch at the committed offset and has its sessions claimed."""
        begin = self.offsets.get(partition, (0, ""))[0]
        sent = self.raw[partition][begin : begin + size]
        if not sent:
            return
        raws = [Raw(partition, begin + i, self.arrival(one), b"k", one.value) for i, one in enumerate(sent)]
        batch = Batch(raws, {partition: begin}, RULES)
        while True:
            try:
                self.asked[partition] = Asked(
                    batch, batch.claim(self.seen, self.generation or Generation(""))
                )
                return
            except OutOfSync:
                # Recovery waits until no other gate can commit on what the store said before.
                self.asked.clear()
                self.generation = recover(self.seen, self, 0, PSEUDONYMS)

    def arrival(self, sent: Sent) -> int:
        return sent.arrived_ms

    @precondition(lambda self: self.generation is not None)
    @rule()
    def forget_what_nobody_sees(self) -> None:
        with suppress(OutOfSync):
            self.seen.forget_before(self.generation or Generation(""), self.committed().low_watermark_ms)

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        partition = data.draw(st.sampled_from(sorted(self.asked)))
        for step in self.steps(partition, self.asked.pop(partition)):
            if not self.transactions and data.draw(st.booleans(), label=f"crash before {step.__name__}"):
                return
            step()

    def steps(self, partition: int, asked: Asked) -> list[Callable[[], None]]:
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
        self.has_lost = True
        self.seen.forget()

    @rule()
    def save(self) -> None:
        self.saved = self.seen.snapshot()

    @rule(older=st.booleans())
    def restart(self, older: bool) -> None:
        self.has_lost |= older
        self.seen.restart(self.saved if older else None)

    # What should have come out.

    def teardown(self) -> None:
        self.asked.clear()
        while any(self.offsets.get(p, (0, ""))[0] < len(sent) for p, sent in self.raw.items()):
            for partition in range(PARTITIONS):
                self.work_undisturbed(partition)
        judge(self.raw, self.out, self.has_lost)


def judge(raw: Mapping[int, Sequence[Sent]], out: Sequence[OutputRecord], has_lost: bool) -> None:
    """Asserts all that must hold between what was sent and what came out. `has_lost`: whether the store ever
    lost claims of messages not committed yet."""
    outcome_at: dict[tuple[int, int], tuple[str, dict[str, Any]]] = {}
    order: dict[int, list[int]] = defaultdict(list)
    due: Counter[int] = Counter()
    for record in out:
        if record.topic == "valid_customer_session":
            fields = json.loads(record.value or b"")
            place, outcome = (fields["rawPartition"], fields["rawOffset"]), ("valid", fields)
        elif record.topic == "rejected_user_session":
            headers = text_headers(record.headers)
            place = int(headers["raw_partition"]), int(headers["raw_offset"])
            outcome = headers["reason"], {}
            kept = None if headers["reason"] == "no_consent" else raw[place[0]][place[1]].value
            assert record.value == kept
        else:
            due[json.loads(record.value or b"")["rawPartition"]] += 1
            continue
        assert place not in outcome_at, f"two outcomes of {place}"
        outcome_at[place] = outcome
        order[place[0]].append(place[1])
    assert set(outcome_at) == {(p, o) for p, sent in raw.items() for o in range(len(sent))}, "lost"
    assert all(offsets == sorted(offsets) for offsets in order.values())

    valid_of: Counter[str] = Counter()
    visits: dict[str, list[tuple[int, str]]] = defaultdict(list)
    passable: set[str] = set()
    import_arrived_ms = {
        p: [one.arrived_ms for one in sent if b'"import"' in one.value and REFUSED not in one.value]
        for p, sent in raw.items()
    }
    first_import_ms = min((ms for arrived in import_arrived_ms.values() for ms in arrived), default=0)
    for partition, sent_there in raw.items():
        newest, valid = 0, 0
        for offset, one in enumerate(sent_there):
            decided, fields = outcome_at[partition, offset]
            assert (decided == "no_consent") == (REFUSED in one.value)
            if decided == "no_consent":
                continue
            try:
                sent = json.loads(one.value)
                session = sent["sessionId"]
            except (ValueError, TypeError):
                assert decided not in ("valid", "duplicate", "beyond_horizon")
                continue
            assert decided in ("valid", "duplicate", "beyond_horizon")
            live = sent["feed"] == "live"
            if live:
                beyond = sent["eventTimeMs"] < one.arrived_ms - HORIZON_MS
                assert (decided == "beyond_horizon") == beyond
            elif decided == "beyond_horizon":
                assert one.arrived_ms - first_import_ms > HORIZON_MS
            else:
                assert one.arrived_ms - import_arrived_ms[partition][0] <= HORIZON_MS
            if decided != "beyond_horizon":
                passable.add(session)
            if decided != "valid":
                continue
            valid += 1
            valid_of[session] += 1
            visits[sent["userId"]].append((one.arrived_ms // SEGMENT_MS, fields["userKind"]))
            fields |= fields["identity"]
            assert {**fields, **sent} == fields, "the session itself is unchanged"
            assert fields["late"] == (live and sent["eventTimeMs"] < newest - LATENESS_MS)
            newest = max(newest, sent["eventTimeMs"]) if live else newest
        assert due[partition] == valid // EXTRACTION_EVERY
    assert valid_of == Counter(passable), "each session is valid exactly once"
    for of_user in visits.values():
        for number, (segment, kind) in enumerate(of_user):
            others = [visit for n, visit in enumerate(of_user) if n != number]
            near = [other_kind for other, other_kind in others if abs(other - segment) <= 2]
            if kind == "new":
                assert "new" not in near, "twice new within a horizon"
            else:
                assert near or has_lost, "returning, but never here within the horizon"


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

    def steps(self, partition: int, asked: Asked) -> list[Callable[[], None]]:
        return super().steps(partition, asked)[::-1]


class ClaimsWithoutPosition(InMemoryDedupStore):
    """Filter before produce: a claim that does not know whose it is refuses its own replay."""

    def claim(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        held = self._generations.get(request.generation)
        seen = {session for _, session in held.sessions} if held else set()
        answers = super().claim(request)
        return [
            ClaimAnswer.TAKEN if session.session_pseudonym in seen else answer
            for session, answer in zip(request.sessions, answers, strict=True)
        ]


S7 = {PSEUDONYMS.both(f"u{user}", "s7")[1] for user in range(100)}


class MaybeIsEnough(InMemoryDedupStore):
    """The Bloom filter's word alone refuses."""

    def claim(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        answers = super().claim(request)
        return [
            ClaimAnswer.TAKEN if session.session_pseudonym in S7 else answer
            for session, answer in zip(request.sessions, answers, strict=True)
        ]


class SpringsIntoBeing(InMemoryDedupStore):
    """A store that lost everything goes on as if it were merely empty."""

    def forget(self) -> None:
        if self._current is not None:
            held = self._generations[self._current]
            held.sessions.clear()
            held.users.clear()


class TrustsARestart(InMemoryDedupStore):
    """A store that came back with older data is not compared with the log."""

    def restart(self, snapshot: object | None = None) -> None:
        held = self._generations.get(self._current or Generation(""))
        offsets = dict(held.offsets) if held else {}
        super().restart(snapshot)
        self._trusted = self._starts
        if self._current is not None:
            self._generations[self._current].offsets |= offsets


class ForgetsTooEarly(InMemoryDedupStore):
    """A segment is dropped as soon as the newest message is past it, though a partition lags."""

    def claim(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        answers = super().claim(request)
        self.forget_before(request.generation, max(self._counted.values()))
        return answers


class SeesByTheWallClock(Machine):
    """What a message sees depends on when it is read."""

    def make_store(self) -> InMemoryDedupStore:
        machine = self

        class Store(InMemoryDedupStore):
            def claim(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
                now = [machine.now_ms] * len(request.sessions)
                return super().claim(request._replace(arrived_ms=now))

        return Store(HORIZON)


class JudgesByTheWallClock(Machine):
    """What is too old depends on when it is read."""

    def arrival(self, sent: Sent) -> int:
        return self.now_ms


class NeverTooOld(InMemoryDedupStore):
    """An import sent again after its sessions were forgotten is let through."""

    def _is_beyond(self, session: Visit, arrived_ms: int) -> bool:
        return False


def with_store(store: type[InMemoryDedupStore]) -> type[Machine]:
    return type(f"With{store.__name__}", (Machine,), {"make_store": lambda self: store(HORIZON)})


class ForgetsItsState(Machine):
    """Watermark and count are not carried in the offset's metadata."""

    def steps(self, partition: int, asked: Asked) -> list[Callable[[], None]]:
        begin, _ = self.offsets.get(partition, (0, ""))
        self.offsets[partition] = begin, encode_state(PartitionState())
        return super().steps(partition, asked)


@pytest.mark.parametrize(
    "mutant",
    [
        OutputAndOffsetsApart,
        OffsetsFirst,
        ForgetsItsState,
        SeesByTheWallClock,
        JudgesByTheWallClock,
        *map(
            with_store,
            [
                ClaimsWithoutPosition,
                MaybeIsEnough,
                SpringsIntoBeing,
                TrustsARestart,
                ForgetsTooEarly,
                NeverTooOld,
            ],
        ),
    ],
)
def test_the_machine_finds_an_injected_fault(mutant: type[Machine]) -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(mutant, settings=FIND)
