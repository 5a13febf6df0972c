"""Topics and stores held against one another. Pure: the same evidence gives the same report."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from streaming.contract import topics
from streaming.contract.log_position import LogPosition
from streaming.contract.valid_session import ValidSession
from streaming.reconcile.admitted import Admitted
from streaming.reconcile.corrections import Attempts
from streaming.reconcile.evidence import Evidence, ValidRecord
from streaming.reconcile.expected_documents import MONGODB, by_id, decoded, remembered, stored
from streaming.reconcile.lateness import Lateness
from streaming.reconcile.outcomes import Outcomes
from streaming.reconcile.report import SHOWN, Break, Breaks, DistinctUsers, Report
from streaming.reconcile.session_names import first_in, sessions_at
from streaming.reconcile.store_contents import OTHER_MAKER, Maker, StoreContents
from streaming.reconcile.window_figures import Figures
from streaming.stores import Document
from streaming.summaries.review import VERDICT
from streaming.summaries.sentiment import model_name


def reconcile_evidence(evidence: Evidence, estimated_users: Callable[[], int]) -> Report:
    """Reads all of `evidence` and says whether it agrees. `estimated_users` is asked after the valid sessions
    were read; its answer stands beside the exact count."""
    return _Reconciliation(evidence).report(estimated_users)


class _Reconciliation:
    """The parts of one account, in the order in which they are read."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence, self._standing = evidence, evidence.standing
        self._breaks = Breaks()
        self._held = {name: _holding(name, found) for name, found in evidence.indexes.items()}
        self._held[MONGODB] = StoreContents(MONGODB, map(by_id, evidence.mongodb))
        self._admitted = Admitted()
        self._outcomes = Outcomes(self._standing, self._breaks.tell)
        self._lateness = Lateness(self._standing.spans, evidence.allowed_lateness_ms)
        self._figures = Figures(only_touched=not self._standing.whole)
        self._other_model = Breaks()
        self._older_than_log = 0

    def report(self, estimated_users: Callable[[], int]) -> Report:
        for record in self._evidence.valid:
            self._valid(record)
        if self._standing.cut.get(topics.VALID):
            for document in self._evidence.mongodb:
                self._remembered(document)
        self._admitted.sort()
        estimate = estimated_users()
        self._judge_admitted()
        self._judge_figures()
        self._find_unexplained()
        for rejected in self._evidence.rejected:
            self._outcomes.rejected(rejected)
        attempts = Attempts(lambda session_id: self._admitted.place_of(session_id) is not None)
        for raw in self._evidence.raw:
            attempts.hear(raw)
            self._outcomes.raw(raw, self._admitted, self._lateness)
        for place in self._outcomes.without_raw():
            self._breaks.tell(Break("raw", "has an outcome, but is not there", raw=str(place)))

        for first in self._other_model.first[:1]:  # one cause, told once
            others = self._other_model.count - 1
            self._breaks.tell(replace(first, what=f"{first.what}, like {others} others"))
        partitions = self._outcomes.accounts()
        rejections = _total(one.rejected for one in partitions.values())
        return Report(
            holds=self._breaks.count == 0,
            sent=sum(one.sent for one in partitions.values()),
            valid=sum(one.valid for one in partitions.values()),
            duplicate=sum(one.duplicate for one in partitions.values()),
            rejected=rejections,
            late=sum(one.late for one in partitions.values()),
            partitions=partitions,
            stages={
                stage: {topic: dict(offsets) for topic, offsets in of.items()}
                for stage, of in self._standing.stages.items()
            },
            corrections=attempts.settle(self._outcomes.rejections()),
            mongodb=self._held[MONGODB].counted,
            elasticsearch={name: self._held[name].counted for name in topics.INDEXED},
            digests={name: holding.fingerprint() for name, holding in self._held.items()},
            distinct_users=DistinctUsers(exact=self._admitted.distinct_users(), estimate=estimate),
            older_than_log=self._older_than_log,
            other_model=self._other_model.count,
            left_out=self._held[topics.PRODUCT_ACTIVITY].set_aside,
            breaks_in_all=self._breaks.count,
            breaks=self._breaks.first,
        )

    def _valid(self, record: ValidRecord) -> None:
        session = decoded(record)
        if session is None:
            self._breaks.tell(Break("valid", f"at {record.partition}:{record.offset} is no valid session"))
            return
        place = LogPosition(session.raw_partition, session.raw_offset)
        if record.key != session.user_id.encode():
            self._tell("valid", "has another key than its user", session)
        self._outcomes.valid(record.partition, session)
        if place.offset < 0 or place.partition not in self._standing.spans:
            return  # told by the outcomes
        settled = place.offset < self._standing.until.get(place.partition, 0)
        if self._held[MONGODB].is_claimed(session.session_id):
            self._tell("valid", "is there twice", session)
            return
        self._admit(session, settled)
        for where, id_, document in stored(session):
            if not settled:
                self._held[where].set_aside_if_held(id_)
            elif wrong := self._held[where].claim(id_, document):
                self._tell(where, wrong, session, id_)

    def _remembered(self, document: Document) -> None:
        """A session that the log no longer has is explained by MongoDB, to which the rest is held."""
        session = remembered(document)
        if session is None or self._held[MONGODB].is_claimed(session.session_id):
            return
        if session.raw_partition not in self._standing.spans:
            return
        if not 0 <= session.raw_offset < self._outcomes.explained_from(session.raw_partition):
            return
        self._older_than_log += 1
        self._admit(session, settled=True)
        for where, document_id, expected in stored(session):
            if wrong := self._held[where].claim(document_id, expected):
                self._tell(where, wrong, session, document_id)

    def _admit(self, session: ValidSession, settled: bool) -> None:
        self._admitted.add(session)
        self._lateness.before(session)
        place = LogPosition(session.raw_partition, session.raw_offset)
        self._figures.add(session, settled, self._in_period(place))

    def _judge_admitted(self) -> None:
        admitted, horizon = self._admitted, self._evidence.horizon
        found = {
            "is there twice": admitted.repeated(),
            "is called a new user's, but follows one of that user's": admitted.wrongly_new(horizon),
            "is called a returning user's, but follows none": admitted.wrongly_returning(horizon),
        }
        wrong = ((place, what) for what, places in found.items() for place in places)
        told = sorted(item for item in wrong if self._in_period(item[0]))
        names = sessions_at({place for place, _ in told[:SHOWN]}, self._evidence.valid) if told else {}
        for place, what in told:
            self._breaks.tell(Break("valid", what, session=names.get(place), raw=str(place)))

    def _judge_figures(self) -> None:
        wrong = self._figures.compare(self._held[topics.PRODUCT_ACTIVITY])
        first = first_in(set(list(wrong)[:SHOWN]), self._evidence.valid) if wrong else {}
        for id_, what in wrong.items():
            one = Break(topics.PRODUCT_ACTIVITY, what, document=id_)
            if (session := first.get(id_)) is not None:
                at = LogPosition(session.raw_partition, session.raw_offset)
                one = replace(one, session=session.session_id, raw=str(at))
            self._breaks.tell(one)

    def _find_unexplained(self) -> None:
        for name, holding in self._held.items():
            mongodb = map(by_id, self._evidence.mongodb)
            found = mongodb if name == MONGODB else self._evidence.indexes[name]
            for id_ in holding.unclaimed(found):
                self._breaks.tell(_unexplained(name, id_))

    def _in_period(self, place: LogPosition) -> bool:
        span = self._standing.spans.get(place.partition)
        return span is not None and place.offset in span

    def _tell(self, where: str, what: str, session: ValidSession, document: str | None = None) -> None:
        """Of a session outside the period nothing is told."""
        place = LogPosition(session.raw_partition, session.raw_offset)
        if self._in_period(place) or place.partition not in self._standing.spans:
            other = None if document == session.session_id else document
            breaks = self._other_model if what == OTHER_MAKER else self._breaks
            breaks.tell(Break(where, what, session=session.session_id, document=other, raw=str(place)))


def _unexplained(where: str, id_: str) -> Break:
    what = "is there, but follows from no valid session"
    if where in (MONGODB, topics.SESSION_SUMMARIES):
        return Break(where, what, session=id_)
    session = id_.rpartition(":")[0] if where == topics.PRODUCT_SENTIMENT else None
    return Break(where, what, session=session, document=id_)


def _total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))


def _holding(name: str, found: Iterable[tuple[str, Document]]) -> StoreContents:
    if name == topics.PRODUCT_SENTIMENT:
        return StoreContents(name, found, Maker(said_in="model", version=model_name(), fields=VERDICT))
    return StoreContents(name, found)
