"""Consistent topics and stores have no discrepancy; one thing added, removed or changed is found and
named."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from support import sessions
from support.gate_model import GateModel

from streaming.contract import topics
from streaming.contract.consent import ALL_AGREED, Sources
from streaming.contract.erased_session import ErasedSession
from streaming.contract.feeds import ImportKeys
from streaming.contract.horizon import Horizon
from streaming.contract.log_position import LogPosition
from streaming.contract.parsing import parse
from streaming.contract.period import END_OF_TIME_MS
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import LIVE_FEED, Consent, Review, Session
from streaming.contract.valid_session import StoredSession, decode_stored, encode, encoder, sent
from streaming.person.log_changes import ErasedFromValid
from streaming.person.traces import Persons, Traces
from streaming.purge.kept import without
from streaming.reconcile.account import reconcile_evidence
from streaming.reconcile.evidence import (
    Evidence,
    OffsetRange,
    RawRecord,
    ReconcileScope,
    RejectedRecord,
    ValidRecord,
)
from streaming.reconcile.report import Report
from streaming.retention.boundary import NOTHING_EXPIRED, Boundaries, event_time_ms
from streaming.rewriting.change import Logged, anew
from streaming.summaries.documents import documents
from streaming.summaries.key_limit import KeyLimit
from streaming.summaries.product import window
from streaming.words.lists import Further, Words

ARRIVED_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
HORIZON_MS = 24 * HOUR_MS
LATENESS_MS = HOUR_MS
IMPORTS = ImportKeys(("key of now", "key of then"))
WORDS = Words(Further(payments={"Points": ["bonus"]}))
LIMIT = KeyLimit(products=2, categories=2)
"""Some of the sessions have more."""
Document = dict[str, Any]


@dataclass
class World:
    """Every topic and store, as lists and dicts that a test can change."""

    raw: list[RawRecord] = field(default_factory=list)
    valid: list[ValidRecord] = field(default_factory=list)
    rejected: list[RejectedRecord] = field(default_factory=list)
    mongodb: dict[str, Document] = field(default_factory=dict)
    indexes: dict[str, dict[str, Document]] = field(
        default_factory=lambda: {name: {} for name in topics.INDEXED}
    )
    low: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0})
    """The first raw offset that is left, by raw partition."""
    until: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0})
    spans: dict[int, OffsetRange] | None = None
    """The offsets compared, by raw partition; None: all."""
    cut: dict[str, list[int]] = field(default_factory=dict)
    sources: Sources = ALL_AGREED
    """The gate's setting of then, which reconcile does not know."""
    boundaries: Boundaries = NOTHING_EXPIRED

    def send(self, partition: int, key: bytes, value: bytes) -> None:
        offset = self.until[partition]
        self.until[partition] += 1
        self.raw.append(RawRecord(partition, offset, ARRIVED_MS, key, value))

    def process(self) -> None:
        """Does what gate, store, Flink job and index do with everything that was sent."""
        gate = GateModel(HORIZON_MS, LATENESS_MS, self.sources)
        for record in self.raw:
            judged = gate.outcome(record.value, record.partition, record.offset, record.arrived_at_ms)
            if isinstance(judged, Rejection):
                refused = RejectedRecord(
                    0,
                    record.partition,
                    record.offset,
                    str(judged.reason),
                    b"%d" % record.partition if judged.keeps_nothing else record.key,
                    None if judged.keeps_nothing else record.value,
                    judged.horizon_ms,
                    judged.refused_by,
                )
                self.rejected.append(refused)
                continue
            at = ValidRecord(0, len(self.valid), judged.user_pseudonym.encode(), encode(judged))
            self.valid.append(at)
        self.fill(self.sessions())

    def sessions(self) -> list[StoredSession]:
        return [decoded(record.value) for record in self.valid]

    def fill(self, sessions: list[StoredSession]) -> None:
        self.mongodb = {
            s.session_pseudonym: {"_id": s.session_pseudonym, **msgspec.to_builtins(s)} for s in sessions
        }
        self.indexes = {name: {} for name in topics.INDEXED}
        for session in sessions:
            for index, id_, document in documents(session, WORDS):
                self.indexes[index][id_] = msgspec.to_builtins(document)
        for id_, activity in window(sessions, LIMIT).items():
            self.indexes[topics.PRODUCT_ACTIVITY][id_] = msgspec.to_builtins(activity)

    def scope(self) -> ReconcileScope:
        return ReconcileScope(
            spans=self.spans or {at: OffsetRange(self.low[at], end) for at, end in self.until.items()},
            until=self.until,
            cut=self.cut,
            whole=self.spans is None,
        )

    def reconcile(self) -> Report:
        evidence = Evidence(
            scope=self.scope(),
            allowed_lateness_ms=LATENESS_MS,
            horizon=Horizon(HORIZON_MS, 4),
            key_limit=LIMIT,
            words=WORDS,
            imports=IMPORTS,
            pseudonyms=sessions.PSEUDONYMS,
            indexes={name: list(found.items()) for name, found in self.indexes.items()},
            mongodb=deepcopy(list(self.mongodb.values())),
            valid=self.valid,
            rejected=self.rejected,
            raw=self.raw,
            boundaries=self.boundaries,
        )
        return reconcile_evidence(evidence, lambda: 7)


def decoded(value: bytes | None) -> StoredSession:
    found = decode_stored(value or b"", sessions.PSEUDONYMS)
    assert isinstance(found, StoredSession)
    return found


words = st.sampled_from(["red", "blue", "oak", "pine"])


@st.composite
def a_session(draw: st.DrawFn, session_id: str) -> Session:
    n = draw(st.integers(0, 4))
    return sessions.session(
        session_id=session_id,
        event_time_ms=ARRIVED_MS - draw(st.integers(0, 3)) * HOUR_MS,
        user_id=draw(st.sampled_from(["u1", "u2", "u3"])),
        device_type=draw(st.sampled_from(["mobile", "desktop", "unknown"])),
        product_ids=draw(st.lists(st.sampled_from(["p1", "p2", "p3"]), min_size=n, max_size=n)),
        product_names=draw(st.lists(words, min_size=n, max_size=n)),
        product_prices=draw(st.lists(st.floats(0, 1e4), min_size=n, max_size=n)),
        product_categories=draw(st.lists(words, min_size=n, max_size=n)),
        actions=draw(
            st.lists(
                st.sampled_from(["view", "cart", "remove_from_cart", "purchase"]), min_size=n, max_size=n
            )
        ),
        page_views=draw(st.integers(0, 9)),
        session_duration=draw(st.floats(0, 1e4)),
        consent=draw(st.none() | st.builds(Consent, analytics=st.none() | st.booleans())),
        reviews=[
            Review(product_id="p1", rating=3, text=draw(words), sentiment="neutral")
            for _ in range(draw(st.integers(0, 2)))
        ],
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Worlds with at least one valid session with a product and a review, one duplicate, one session beyond
    the horizon, one invalid message, and one valid and one invalid message without consent."""
    world = World()
    sure = draw(a_session("sure"))
    sure = msgspec.structs.replace(
        sure,
        device_type="mobile",
        product_ids=["p1"], product_names=["red"], product_prices=[3.0], product_categories=["oak"],
        actions=["cart"], consent=None,
        reviews=[Review(product_id="p1", rating=3, text="fine", sentiment="neutral")],
    )  # fmt: skip
    visits = [sure, *(draw(a_session(f"s{i}")) for i in range(draw(st.integers(0, 5)))), sure]
    for session in visits:
        partition = draw(st.integers(0, 1))
        world.send(partition, session.user_id.encode(), encoder.encode(session))
    old = msgspec.structs.replace(sure, session_id="old", event_time_ms=ARRIVED_MS - HORIZON_MS - 1)
    world.send(1, b"k", encoder.encode(old))
    world.send(0, b"k", draw(st.sampled_from([b"", b"{", b"[]", b"\xff", b'{"schemaVersion": 9}'])))
    refusing = msgspec.structs.replace(sure, consent=Consent(analytics=False))
    world.send(0, b"k", encoder.encode(refusing))
    cut = draw(st.sampled_from([b"", b"{"]))
    world.send(1, b"k", encoder.encode(refusing) + cut if cut else b'{"consent": {"analytics": false}}')
    world.process()
    return world


@given(worlds())
def test_a_consistent_world_has_no_discrepancy(world: World) -> None:
    report = world.reconcile()
    assert report.holds
    assert report.breaks == []
    assert report.sent == report.valid + report.duplicate + sum(report.rejected.values()) == len(world.raw)
    assert report.mongodb == report.elasticsearch[topics.SESSION_SUMMARIES] == report.valid
    assert report.elasticsearch[topics.PRODUCT_SENTIMENT] == sum(len(s.reviews) for s in world.sessions())
    assert report.late == sum(s.late for s in world.sessions())
    assert report.distinct_users.exact == len({s.user_pseudonym for s in world.sessions()})
    assert report.distinct_users.estimate == 7


def stores(world: World) -> dict[str, dict[str, Document]]:
    return {"mongodb": world.mongodb, **world.indexes}


def altered(draw: st.DrawFn, document: Document) -> None:
    """Changes, adds or removes one field; the document is always another one afterwards."""
    name = draw(st.sampled_from(sorted(set(document) - {"_id"})))
    match draw(st.sampled_from(["change", "add", "remove", "retype"])):
        case "change":
            document[name] = [document[name], "x"]
        case "add":
            document["more"] = 1
        case "remove":
            del document[name]
        case "retype":
            document[name] = repr(document[name]) + "'"


@given(worlds(), st.sampled_from([{"live": Consent(analytics=False)}, {"live": Consent(training=False)}]))
def test_what_a_setting_refused_then_is_no_discrepancy_later(
    world: World, by_feed: dict[str, Consent]
) -> None:
    """All of the log is decided with another setting than reconcile's, which needs none."""
    world.sources, world.valid, world.rejected = Sources(by_feed), [], []
    world.process()
    report = world.reconcile()
    assert report.holds, report.breaks
    assert report.sent == report.valid + report.duplicate + sum(report.rejected.values()) == len(world.raw)
    assert report.corrections.open.get("no_consent") is None


@given(worlds(), st.data())
def test_a_message_without_consent_is_nowhere_and_a_wrong_outcome_of_it_is_named(
    world: World, data: st.DataObject
) -> None:
    refused = [record for record in world.rejected if record.reason == Reason.NO_CONSENT]
    record = data.draw(st.sampled_from(refused))
    [raw] = [r for r in world.raw if (r.partition, r.offset) == (record.raw_partition, record.raw_offset)]
    match data.draw(
        st.sampled_from(["keeps its bytes", "keeps its key", "has another reason", "by another"])
    ):
        case "keeps its bytes":
            wrong = msgspec.structs.replace(record, value=raw.value)
        case "keeps its key":
            wrong = msgspec.structs.replace(record, key=raw.key)
        case "has another reason":
            wrong = msgspec.structs.replace(record, reason="duplicate", key=raw.key, value=raw.value)
        case _:
            wrong = msgspec.structs.replace(record, refused_by="source")
    world.rejected[world.rejected.index(record)] = wrong
    [found] = world.reconcile().breaks
    assert (found.raw, found.session) == (f"{raw.partition}:{raw.offset}", None)


@given(worlds(), st.data())
def test_an_agreed_message_dropped_as_refused_is_named(world: World, data: st.DataObject) -> None:
    """Also by its source, if the session itself says yes."""
    said = msgspec.structs.replace(
        sent(world.sessions()[0]), session_id="agreed", consent=Consent(analytics=True)
    )
    partition, who = data.draw(st.integers(0, 1)), data.draw(st.sampled_from(["session", "source", None]))
    offset = world.until[partition]
    world.send(partition, b"k", encoder.encode(said))
    world.rejected.append(
        RejectedRecord(0, partition, offset, "no_consent", b"%d" % partition, None, refused_by=who)
    )
    [found] = world.reconcile().breaks
    assert found.raw == f"{partition}:{offset}"


@given(worlds(), st.data())
def test_a_document_removed_added_or_changed_in_any_store_is_named(world: World, data: st.DataObject) -> None:
    where = data.draw(st.sampled_from(sorted(stores(world))))
    documents_there = stores(world)[where]
    id_ = data.draw(st.sampled_from(sorted(documents_there)))
    match data.draw(st.sampled_from(["remove", "add", "alter"])):
        case "remove":
            del documents_there[id_]
        case "add":
            documents_there["extra:0"] = {**deepcopy(documents_there[id_])}
            if where == "mongodb":
                documents_there["extra:0"]["_id"] = "extra:0"
            id_ = "extra:0"
        case "alter":
            altered(cast(st.DrawFn, data.draw), documents_there[id_])
    report = world.reconcile()
    assert not report.holds
    assert [one.where for one in report.breaks] == [where]
    [one] = report.breaks
    assert id_ in (one.session, one.document)
    if id_ != "extra:0":
        assert one.session in {session.session_pseudonym for session in world.sessions()}


@given(worlds(), st.data())
def test_a_record_removed_repeated_or_changed_in_any_topic_is_named(
    world: World, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(["raw", "valid", "rejected"]))
    records: list[Any] = getattr(world, name)
    at = data.draw(st.integers(0, len(records) - 1))
    record = records[at]
    match data.draw(st.sampled_from(["remove", "repeat", "value", "key"])):
        case "remove":
            del records[at]
        case "repeat" if name != "raw":  # the log itself never repeats an offset
            records.append(record)
        case "key":
            records[at] = msgspec.structs.replace(record, key=b"another")
            if name == "raw" and not any(
                (r.raw_partition, r.raw_offset) == (record.partition, record.offset)
                and r.reason != Reason.NO_CONSENT
                for r in world.rejected
            ):
                return  # valid sessions have their user's pseudonym as key, whatever key the sender chose
        case _:
            records[at] = msgspec.structs.replace(record, value=b"another")
    report = world.reconcile()
    assert not report.holds
    assert report.breaks
    position = (
        (record.partition, record.offset) if name == "raw"
        else (record.raw_partition, record.raw_offset) if name == "rejected"
        else None
    )  # fmt: skip
    if position is not None:
        assert f"{position[0]}:{position[1]}" in {one.raw for one in report.breaks}
    else:
        assert decoded(record.value).session_pseudonym in {one.session for one in report.breaks}


@given(worlds(), st.sampled_from([*Reason, "made_up"]), st.data())
def test_a_wrong_reason_is_named(world: World, reason: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(world.rejected) - 1))
    record = world.rejected[at]
    world.rejected[at] = msgspec.structs.replace(record, reason=str(reason))
    report = world.reconcile()
    assert report.holds == (record.reason == reason)
    assert report.holds or report.breaks[0].raw == f"{record.raw_partition}:{record.raw_offset}"


@given(worlds(), st.data())
@settings(max_examples=50)
def test_sessions_not_yet_processed_are_no_discrepancy(world: World, data: st.DataObject) -> None:
    """Sessions sent after the comparison began: any of their outcomes and documents may be missing."""
    settled = deepcopy(world)
    late_comer = data.draw(a_session("later"))
    late_comer = msgspec.structs.replace(late_comer, device_type="mobile")
    for partition in (0, 1):
        world.send(partition, late_comer.user_id.encode(), encoder.encode(late_comer))
    world.valid, world.rejected = [], []
    world.process()
    moving = deepcopy(world)
    moving.until = settled.until
    for store in stores(moving).values():  # some of the documents are not written yet
        for id_ in sorted(store):
            if sessions.known_as(late_comer) in id_ and data.draw(st.booleans()):
                del store[id_]
    moving.indexes[topics.PRODUCT_ACTIVITY] = {
        id_: data.draw(st.sampled_from([moving.indexes[topics.PRODUCT_ACTIVITY][id_], activity]))
        for id_, activity in settled.indexes[topics.PRODUCT_ACTIVITY].items()
    }
    if data.draw(st.booleans()):
        moving.raw = [record for record in moving.raw if record.offset < settled.until[record.partition]]
    report = moving.reconcile()
    assert report.holds, report.breaks
    assert report.sent == len(settled.raw)


@given(worlds(), st.sampled_from([None, HORIZON_MS + 1]))
def test_a_session_rejected_as_too_old_though_within_the_horizon_is_named(
    world: World, horizon_ms: int | None
) -> None:
    at = next(n for n, record in enumerate(world.rejected) if record.reason == Reason.BEYOND_HORIZON)
    record = world.rejected[at] = msgspec.structs.replace(world.rejected[at], horizon_ms=horizon_ms)
    report = world.reconcile()
    assert [one.raw for one in report.breaks] == [f"{record.raw_partition}:{record.raw_offset}"]
    [old] = [
        one
        for raw in world.raw
        if isinstance(one := parse(raw.value, ARRIVED_MS), Session) and one.session_id == "old"
    ]
    assert report.breaks[0].session == sessions.known_as(old)


@given(worlds(), st.data())
def test_a_wrong_lateness_or_user_kind_is_named(world: World, data: st.DataObject) -> None:
    """Even though all stores agree with the changed session."""
    at = data.draw(st.integers(0, len(world.valid) - 1))
    session = decoded(world.valid[at].value)
    if data.draw(st.booleans()):
        changed = msgspec.structs.replace(session, late=not session.late)
    else:
        kind = "new" if session.user_kind == "returning" else "returning"
        others = {s.raw_partition for s in world.sessions() if s.user_pseudonym == session.user_pseudonym}
        if len(others) > 1:
            return  # the log does not show which raw partition came first
        changed = msgspec.structs.replace(session, user_kind=kind)
    world.valid[at] = msgspec.structs.replace(world.valid[at], value=encode(changed))
    world.fill(world.sessions())
    report = world.reconcile()
    assert not report.holds
    assert report.breaks[0].raw == f"{session.raw_partition}:{session.raw_offset}"
    assert session.session_pseudonym in {one.session for one in report.breaks}


@given(worlds(), st.data())
def test_a_period_counts_and_names_only_its_own_sessions(world: World, data: st.DataObject) -> None:
    whole = world.reconcile()
    cuts = {at: data.draw(st.integers(0, end)) for at, end in world.until.items()}
    reports = []
    for before in (True, False):
        world.spans = {
            at: OffsetRange(0, cuts[at]) if before else OffsetRange(cuts[at], end)
            for at, end in world.until.items()
        }
        reports.append(world.reconcile())
    assert [report.breaks for report in reports] == [[], []]
    for figure in ("sent", "valid", "duplicate", "late"):
        assert sum(getattr(report, figure) for report in reports) == getattr(whole, figure)
    assert {report.mongodb for report in reports} == {whole.mongodb}

    lost = data.draw(st.sampled_from(world.sessions()))
    del world.mongodb[lost.session_pseudonym]
    for before, _ in zip((True, False), reports, strict=True):
        world.spans = {
            at: OffsetRange(0, cuts[at]) if before else OffsetRange(cuts[at], end)
            for at, end in world.until.items()
        }
        report = world.reconcile()
        assert report.holds == (before != (lost.raw_offset < cuts[lost.raw_partition]))
        assert report.holds or report.breaks[0].session == lost.session_pseudonym


@given(worlds(), st.data())
def test_deleted_oldest_records_are_left_out_and_the_others_compared(
    world: World, data: st.DataObject
) -> None:
    whole = world.reconcile()
    gone = data.draw(st.integers(1, len(world.valid)))
    world.valid, world.cut = world.valid[gone:], {topics.VALID: [0]}
    report = world.reconcile()
    assert report.holds, report.breaks
    assert report.older_than_log == gone
    assert report.digests == whole.digests
    assert report.mongodb == whole.mongodb
    assert report.sent <= whole.sent
    if world.valid:
        last = decoded(world.valid[-1].value)
        del world.indexes[topics.SESSION_SUMMARIES][last.session_pseudonym]
        assert world.reconcile().breaks[0].session == last.session_pseudonym


window_starts_ms = st.integers(0, 4).map(lambda hours: ARRIVED_MS - ARRIVED_MS % HOUR_MS - hours * HOUR_MS)
"""As the real boundaries, which are beginnings of months, no window lies across one."""


@st.composite
def some_boundaries(draw: st.DrawFn) -> Boundaries:
    nothing_or_some = st.just(0) | window_starts_ms
    return Boundaries(draw(nothing_or_some), {name: draw(nothing_or_some) for name in topics.INDEXED})


@given(worlds(), some_boundaries(), st.data())
def test_whatever_part_of_the_expired_is_deleted_nothing_is_missing_and_all_else_is_compared(
    world: World, boundaries: Boundaries, data: st.DataObject
) -> None:
    """A run of retention may have been killed at any moment, or not have come yet; sessions that expired long
    ago may come again, by an import. The log may still have the sessions or not."""
    world.boundaries = boundaries
    before_ms = {"mongodb": boundaries.sessions_ms}
    before_ms |= {name: boundaries.of_index(name) for name in topics.INDEXED}
    old = {
        where: {id_ for id_, found in held.items() if (event_time_ms(found) or 0) < before_ms[where]}
        for where, held in stores(world).items()
    }
    for where, held in stores(world).items():
        for id_ in sorted(old[where]):
            if data.draw(st.booleans()):
                del held[id_]
    if data.draw(st.booleans()):
        gone = data.draw(st.integers(1, len(world.valid)))
        world.valid, world.cut = world.valid[gone:], {topics.VALID: [0]}
    report = world.reconcile()
    assert report.holds, report.breaks
    assert report.expired.documents == {
        where: left for where, held in stores(world).items() if (left := len(old[where] & set(held)))
    }
    if not world.cut:
        expired = [one for one in world.sessions() if one.event_time_ms < boundaries.sessions_ms]
        assert report.expired.sessions == len(expired)
        assert report.valid == len(world.sessions())

    where = data.draw(st.sampled_from(sorted(stores(world))))
    held = stores(world)[where]
    lost = data.draw(st.sampled_from([None, *sorted(set(held) - old[where])]))
    if lost is not None and not (world.cut and where == "mongodb"):
        del held[lost]
        assert [one.where for one in world.reconcile().breaks] == [where]


@given(worlds())
def test_a_world_of_which_all_has_expired_and_is_deleted_holds(world: World) -> None:
    world.boundaries = Boundaries(ARRIVED_MS - ARRIVED_MS % HOUR_MS + HOUR_MS)
    world.fill([])
    report = world.reconcile()
    assert report.holds, report.breaks
    assert report.expired.sessions == report.valid == len(world.valid)
    assert report.mongodb == 0


@given(worlds(), st.data())
def test_a_loss_of_what_mongodb_alone_knows_is_named(world: World, data: st.DataObject) -> None:
    """Also once the raw messages of these sessions are gone."""
    world.valid, world.raw, world.rejected, world.low = [], [], [], dict(world.until)
    world.cut = {topics.VALID: [0], topics.REJECTED: [0]}
    report = world.reconcile()
    assert report.holds, report.breaks
    assert report.older_than_log == len(world.mongodb)
    where = data.draw(st.sampled_from([topics.SESSION_SUMMARIES, topics.PRODUCT_SENTIMENT]))
    lost = data.draw(st.sampled_from(sorted(world.indexes[where])))
    del world.indexes[where][lost]
    assert [(one.where, lost in (one.session, one.document)) for one in world.reconcile().breaks] == [
        (where, True)
    ]


@given(st.data())
def test_after_a_feed_was_purged_the_rest_agrees_and_a_loss_is_named(data: st.DataObject) -> None:
    """The log holds what stays of the valid sessions, and no raw message any more (streaming/purge)."""
    world, demo = World(), IMPORTS.feed("0" * 12)
    for number in range(data.draw(st.integers(1, 6))):
        feed = data.draw(st.sampled_from([demo, LIVE_FEED]))
        one = msgspec.structs.replace(
            data.draw(a_session(f"s{number}")),
            feed=feed,
            device_type="mobile",
            # In two windows, and none late: the model of the gate knows live sessions alone.
            event_time_ms=ARRIVED_MS - data.draw(st.sampled_from([0, LATENESS_MS // 2])),
        )
        world.send(data.draw(st.integers(0, 1)), one.user_id.encode(), encoder.encode(one))
    world.process()
    assert world.reconcile().holds
    gone = data.draw(st.sampled_from([demo, LIVE_FEED]))
    older = data.draw(st.integers(0, len(world.valid)))  # than the log: MongoDB alone has them
    logged = [Logged(one.partition, one.key, one.value) for one in world.valid[older:]]
    world.fill([session for session in world.sessions() if session.feed != gone])
    world.valid = [
        ValidRecord(0, 100 + at, one.key, one.value)
        for at, one in enumerate(anew(logged, without(gone, sessions.PSEUDONYMS)))
    ]
    world.raw, world.rejected, world.low = [], [], dict(world.until)
    world.cut = {topics.VALID: [0], topics.REJECTED: [0]}
    report = world.reconcile()
    assert report.holds, report.breaks
    assert report.sent == 0
    assert report.mongodb == report.elasticsearch[topics.SESSION_SUMMARIES] == len(world.mongodb)
    if world.mongodb:
        del world.indexes[topics.SESSION_SUMMARIES][data.draw(st.sampled_from(sorted(world.mongodb)))]
        assert [one.where for one in world.reconcile().breaks] == [topics.SESSION_SUMMARIES]


@given(st.data())
def test_after_persons_were_erased_all_agrees_and_a_loss_is_named(data: st.DataObject) -> None:
    """The log and MongoDB hold what is left of their sessions, which counts in windows alone; raw messages
    are there or gone (streaming/person)."""
    world = World()
    for number in range(data.draw(st.integers(1, 6))):
        user = data.draw(st.sampled_from(["gone", "stays"]))
        one = msgspec.structs.replace(
            data.draw(a_session(f"s{number}")), user_id=user, name="Q", email="", device_type="mobile"
        )
        world.send(data.draw(st.integers(0, 1)), user.encode(), encoder.encode(one))
    world.process()
    before = world.reconcile()
    assert before.holds
    gone = sessions.PSEUDONYMS.user("gone")
    persons = Persons(sessions.PSEUDONYMS, {gone: Traces()})
    change = ErasedFromValid(persons, {gone: END_OF_TIME_MS}, LIMIT, sessions.PSEUDONYMS)
    older = data.draw(st.integers(0, len(world.valid)))  # than the log: MongoDB alone has them
    logged = [Logged(one.partition, one.key, one.value) for one in world.valid]
    written = list(anew(logged, change))
    left = [decode_stored(one.value or b"", sessions.PSEUDONYMS) for one in written]
    erased = [one for one in left if isinstance(one, ErasedSession)]
    stored = ({"_id": one.session_pseudonym, **msgspec.to_builtins(one)} for one in left)
    world.mongodb = {one["_id"]: one for one in stored}
    for name in (topics.SESSION_SUMMARIES, topics.PRODUCT_SENTIMENT):
        held = world.indexes[name]
        world.indexes[name] = {id_: one for id_, one in held.items() if one["userPseudonym"] != gone}
    world.valid = [ValidRecord(0, 100 + at, one.key, one.value) for at, one in enumerate(written[older:])]
    world.raw, world.rejected, world.low = [], [], dict(world.until)
    world.cut = {topics.VALID: [0], topics.REJECTED: [0]}
    report = world.reconcile()
    assert report.holds, report.breaks
    assert report.erased == len(erased) == change.changed
    assert report.mongodb == before.mongodb
    assert report.digests[topics.PRODUCT_ACTIVITY] == before.digests[topics.PRODUCT_ACTIVITY]
    if erased:
        lost = data.draw(st.sampled_from(sorted(one.session_pseudonym for one in erased)))
        kept = world.mongodb.pop(lost)
        if older < len(written) and any(lost.encode() == one.key for one in world.valid):
            assert [one.where for one in world.reconcile().breaks] == ["mongodb"]
        world.mongodb[lost] = kept | {"userPseudonym": gone}
        assert not world.reconcile().holds


@given(worlds(), st.randoms())
def test_a_digest_depends_on_contents_and_not_on_their_order(world: World, random: Any) -> None:
    before = world.reconcile().digests
    shuffled = list(world.mongodb.items())
    random.shuffle(shuffled)
    world.mongodb = dict(shuffled)
    assert world.reconcile().digests == before
    world.mongodb[shuffled[0][0]]["clicks"] += 1
    changed = world.reconcile().digests
    assert {where for where in before if changed[where] != before[where]} == {"mongodb"}


@given(worlds(), st.sampled_from(["live", "of now", "of then", "forged", "of a former release", "named"]))
def test_the_feed_of_an_outcome_is_judged_as_the_gate_does(world: World, feed: str) -> None:
    """Valid, or rejected for its feed: what the settings of then accepted, nobody knows of other names."""
    name = {
        "of now": IMPORTS.feed("0" * 12),
        "of then": ImportKeys(IMPORTS.keys[1:]).feed("0" * 12),
        "forged": ImportKeys(("a guess",)).feed("0" * 12),
        "of a former release": "import-000000000000",
    }.get(feed, feed)
    one = sessions.session(session_id="one", event_time_ms=ARRIVED_MS, user_id="u1", feed=name)
    world.send(0, b"u1", encoder.encode(one))
    world.valid, world.rejected = [], []
    world.process()
    [at] = [
        at for at, found in enumerate(world.sessions()) if found.session_pseudonym == sessions.known_as(one)
    ]
    report = world.reconcile()
    assert report.holds == (feed != "forged"), report.breaks
    assert report.holds or "VITRINE_IMPORT_KEYS" in report.breaks[0].what
    raw = world.raw[-1]
    del world.valid[at]
    world.fill(world.sessions())
    world.rejected.append(
        RejectedRecord(0, raw.partition, raw.offset, str(Reason.UNKNOWN_FEED), raw.key, raw.value)
    )
    others = [found.what for found in world.reconcile().breaks if found.session == sessions.known_as(one)]
    assert bool(others) == (feed in ("live", "of now", "of then")), others


ODD = sessions.PSEUDONYMS.both("u1", "odd")[1]


def with_odd_words(world: World) -> World:
    """The world, with one valid session more whose words are on no list or on a further one."""
    odd = sessions.session(
        session_id="odd",
        event_time_ms=ARRIVED_MS,
        user_id="u1",
        operating_system="TempleOS",
        payment_method_type="bonus",
        country="Narnia",
    )
    world.send(0, b"u1", encoder.encode(odd))
    world.valid, world.rejected = [], []
    world.process()
    return world


@given(worlds(), st.sampled_from([("bonus", "TempleOS", "Narnia"), ("other", "other", "other")]))
def test_a_summary_of_other_lists_is_named_as_such(world: World, said: tuple[str, str, str]) -> None:
    """Of a release without lists, or of the built-in ones alone."""
    made = with_odd_words(world).indexes[topics.SESSION_SUMMARIES][ODD]
    assert (made["paymentMethodType"], made["operatingSystem"], made["country"]) == (
        "Points",
        "other",
        "other",
    )
    assert world.reconcile().holds
    made |= dict(zip(("paymentMethodType", "operatingSystem", "country"), said, strict=True))
    [one] = world.reconcile().breaks
    assert one.session == ODD
    assert "resummarise" in one.what
    made["country"] = "Atlantis"
    assert [one.what for one in world.reconcile().breaks] == ["has another content"]


@given(worlds())
def test_a_summary_of_other_lists_holds_once_nothing_can_make_it_anew(world: World) -> None:
    made = with_odd_words(world).indexes[topics.SESSION_SUMMARIES][ODD]
    world.valid, world.cut = [], {topics.VALID: [0]}
    made["paymentMethodType"] = "other"
    assert world.reconcile().holds
    made["paymentMethodType"] = "Gold"
    assert [one.session for one in world.reconcile().breaks] == [ODD]


@given(worlds(), st.data())
def test_another_models_documents_are_distinguished_from_changed_ones(
    world: World, data: st.DataObject
) -> None:
    of = world.indexes[topics.PRODUCT_SENTIMENT]
    older = data.draw(st.sets(st.sampled_from(sorted(of)), min_size=1))
    for id_ in older:
        of[id_] |= {"model": "another", "score": -1.0, "sentiment": "negative"}
        if data.draw(st.booleans()):
            del of[id_]["model"]  # made before models had names
    report = world.reconcile()
    assert (report.other_model, report.breaks_in_all) == (len(older), 1)
    assert report.breaks[0].what.startswith("was made by another model")
    of[min(older)]["rating"] = 0
    report = world.reconcile()
    assert report.other_model == len(older) - 1
    assert "has another content" in {one.what for one in report.breaks}


@given(worlds())
def test_another_users_session_of_the_same_id_is_valid_beside_it(world: World) -> None:
    taken = sent(world.sessions()[0])
    other = msgspec.structs.replace(taken, user_id="somebody else")
    world.send(0, b"k", encoder.encode(other))
    world.valid, world.rejected = [], []
    before = world.reconcile().valid
    world.process()
    report = world.reconcile()
    assert report.holds, report.breaks
    assert {sessions.known_as(taken), sessions.known_as(other)} <= world.mongodb.keys()
    assert report.valid > before


@given(worlds(), st.data(), st.sampled_from(["user_pseudonym", "session_pseudonym"]))
def test_a_wrong_pseudonym_is_named_even_if_all_stores_have_it(
    world: World, data: st.DataObject, which: str
) -> None:
    at = data.draw(st.integers(0, len(world.valid) - 1))
    wrong = msgspec.structs.replace(world.sessions()[at], **{which: "0" * 32})
    key = wrong.user_pseudonym.encode()
    world.valid[at] = msgspec.structs.replace(world.valid[at], value=encode(wrong), key=key)
    world.fill(world.sessions())
    report = world.reconcile()
    assert "VITRINE_PSEUDONYM_KEY" in " ".join(one.what for one in report.breaks)


@given(worlds())
def test_messages_of_a_gate_that_knew_no_pseudonyms_are_read_as_before(world: World) -> None:
    """Its messages have the ids among the other fields, and the user's id as key."""
    for at, record in enumerate(world.valid):
        of = decoded(record.value)
        key, value = of.identity.user_id.encode(), sessions.earlier_message(of)
        world.valid[at] = msgspec.structs.replace(record, key=key, value=value)
    assert world.reconcile().holds


@given(worlds())
def test_corrections_are_counted_and_never_twice(world: World) -> None:
    """The invalid message is sent again three times: first still invalid, then twice valid."""
    [broken, *_] = [
        r
        for r in world.rejected
        if r.reason != Reason.NO_CONSENT and isinstance(parse(r.value, ARRIVED_MS), Rejection)
    ]
    position = LogPosition(broken.raw_partition, broken.raw_offset)
    right = encoder.encode(msgspec.structs.replace(sent(world.sessions()[0]), session_id="right"))
    for value, by in ((broken.value, position), (right, position), (right, position)):
        world.send(0, b"k", value or b"")
        world.raw[-1] = msgspec.structs.replace(world.raw[-1], corrects=by)
    world.valid, world.rejected = [], []
    world.process()
    report = world.reconcile()
    assert report.holds, report.breaks
    assert report.corrections.corrected == 1
    assert report.corrections.rejected_again == 1
    rejected = sum(report.rejected.values()) - report.rejected["no_consent"]
    assert sum(report.corrections.open.values()) == rejected - 2
