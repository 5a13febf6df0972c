"""Compares topics and stores with each other. Pure: the same evidence yields the same report."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec.structs import replace

from streaming.contract import erased_session, topics
from streaming.contract.erased_session import ErasedSession
from streaming.contract.log_position import LogPosition
from streaming.contract.period import END_OF_TIME_MS
from streaming.contract.session import Session
from streaming.contract.valid_session import StoredSession, is_pseudonymous
from streaming.reconcile.admitted import Admitted
from streaming.reconcile.corrections import Attempts
from streaming.reconcile.evidence import Evidence, ValidRecord
from streaming.reconcile.expected_documents import (
    MONGODB,
    by_id,
    decoded,
    expected_documents,
    session_in,
    summaries_by_other_lists,
)
from streaming.reconcile.lateness import Lateness
from streaming.reconcile.not_expired import NotExpired
from streaming.reconcile.outcomes import Outcomes, pseudonym_of
from streaming.reconcile.report import SHOWN, Discrepancies, Discrepancy, DistinctUsers, Report
from streaming.reconcile.session_names import first_in, sessions_at
from streaming.reconcile.store_contents import OTHER_LISTS, OTHER_MAKER, Maker, StoreContents
from streaming.reconcile.window_figures import Figures
from streaming.stores import Document
from streaming.summaries.review import MODEL_FIELDS
from streaming.summaries.sentiment import model_name

OTHER_PSEUDONYMS = "has other pseudonyms than its ids get by this key (VITRINE_PSEUDONYM_KEY)"


def reconcile_evidence(evidence: Evidence, estimated_users: Callable[[], int]) -> Report:
    """Reads all of `evidence` and returns whether it agrees. Calls `estimated_users` after the valid sessions
    were read; the report contains its result beside the exact count."""
    return _Reconciliation(evidence).report(estimated_users)


class _Reconciliation:
    """The state of one comparison; the evidence is read in the order that evidence.py explains."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence, self._scope = evidence, evidence.scope
        self._discrepancies = Discrepancies()
        self._not_expired = NotExpired(evidence.boundaries)
        self._held = {
            name: _holding(name, self._not_expired.of(name, found))
            for name, found in evidence.indexes.items()
        }
        self._held[MONGODB] = StoreContents(
            MONGODB, self._not_expired.of(MONGODB, map(by_id, evidence.mongodb))
        )
        self._admitted = Admitted()
        self._outcomes = Outcomes(self._scope, evidence.imports, evidence.pseudonyms, self._discrepancies.add)
        self._lateness = Lateness(self._scope.spans, evidence.allowed_lateness_ms)
        self._figures = Figures(only_touched=not self._scope.whole, limit=evidence.key_limit)
        self._other_model = Discrepancies()
        self._older_than_log = self._erased = 0
        self._log_begins_ms: dict[int, int] = {}
        """The arrival of the oldest session in each partition of valid sessions."""

    def report(self, estimated_users: Callable[[], int]) -> Report:
        for record in self._evidence.valid:
            self._valid(record)
        if self._scope.cut.get(topics.VALID):
            for document in self._evidence.mongodb:
                self._take_from_mongodb(document)
        self._admitted.sort()
        self._outcomes.judge_duplicates_from(self._known_from_ms())
        estimate = estimated_users()
        self._check_users_and_repeats()
        self._check_windows()
        self._find_unexplained()
        for rejected in self._evidence.rejected:
            self._outcomes.rejected(rejected)
        attempts = Attempts(self._is_admitted)
        for raw in self._evidence.raw:
            attempts.add(raw)
            self._outcomes.raw(raw, self._admitted, self._lateness)
        for position in self._outcomes.without_raw():
            self._discrepancies.add(Discrepancy("raw", "has an outcome, but is not there", raw=str(position)))

        for first in self._other_model.first[:1]:  # all have the same cause: reported once
            others = self._other_model.count - 1
            self._discrepancies.add(replace(first, what=f"{first.what}, like {others} others"))
        partitions = self._outcomes.counts()
        rejections = _total(one.rejected for one in partitions.values())
        return Report(
            holds=self._discrepancies.count == 0,
            sent=sum(one.sent for one in partitions.values()),
            valid=sum(one.valid for one in partitions.values()),
            duplicate=sum(one.duplicate for one in partitions.values()),
            rejected=rejections,
            late=sum(one.late for one in partitions.values()),
            partitions=partitions,
            stages={
                stage: {topic: dict(offsets) for topic, offsets in of.items()}
                for stage, of in self._scope.stages.items()
            },
            corrections=attempts.count(self._outcomes.rejections()),
            mongodb=self._held[MONGODB].counted,
            elasticsearch={name: self._held[name].counted for name in topics.INDEXED},
            digests={name: holding.fingerprint() for name, holding in self._held.items()},
            distinct_users=DistinctUsers(exact=self._admitted.distinct_users(), estimate=estimate),
            erased=self._erased,
            older_than_log=self._older_than_log,
            expired=self._not_expired.counted(),
            other_model=self._other_model.count,
            left_out=self._held[topics.PRODUCT_ACTIVITY].excluded,
            breaks_in_all=self._discrepancies.count,
            breaks=self._discrepancies.first,
        )

    def _is_admitted(self, session: Session) -> bool:
        known_as = pseudonym_of(session, self._evidence.pseudonyms)
        return self._admitted.position_of(known_as) is not None

    def _valid(self, record: ValidRecord) -> None:
        session = decoded(record, self._evidence.pseudonyms)
        if session is None:
            self._discrepancies.add(
                Discrepancy("valid", f"at {record.partition}:{record.offset} is no valid session")
            )
            return
        self._log_begins_ms.setdefault(record.partition, session.arrived_at_ms)
        position = LogPosition(session.raw_partition, session.raw_offset)
        self._check_names(record, session)
        self._outcomes.valid(record.partition, session)
        if position.offset < 0 or position.partition not in self._scope.spans:
            return  # reported by self._outcomes
        settled = position.offset < self._scope.until.get(position.partition, 0)
        if self._held[MONGODB].is_matched(session.session_pseudonym):
            self._report_session("valid", "is there twice", session)
            return
        self._admit(session, settled)
        for where, id_, document in self._expected(session):
            if not settled:
                self._held[where].exclude_if_present(id_)
            elif wrong := self._match(where, id_, document, session):
                self._report_session(where, wrong, session, id_)

    def _check_names(self, record: ValidRecord, session: StoredSession | ErasedSession) -> None:
        if isinstance(session, ErasedSession):
            at = (session.raw_partition, session.raw_offset, session.arrived_at_ms)
            if not record.key == erased_session.name(*at).encode() == session.session_pseudonym.encode():
                self._report_session("valid", "is erased, and has another name than its position", session)
            return
        known_as = (
            session.user_pseudonym if is_pseudonymous(record.value or b"") else session.identity.user_id
        )
        if record.key != known_as.encode():
            self._report_session("valid", "has another key than its user", session)
        who = session.identity
        if (session.user_pseudonym, session.session_pseudonym) != self._evidence.pseudonyms.both(
            who.user_id, who.session_id
        ):
            self._report_session("valid", OTHER_PSEUDONYMS, session)

    def _take_from_mongodb(self, document: Document) -> None:
        """If the log no longer has the session of `document`, takes it from MongoDB and expects its other
        documents accordingly."""
        session = session_in(document, self._evidence.pseudonyms)
        if session is None or self._held[MONGODB].is_matched(session.session_pseudonym):
            return
        if self._not_expired.has_expired(MONGODB, session.event_time_ms):
            return
        if session.raw_partition not in self._scope.spans:
            return
        if not 0 <= session.raw_offset < self._outcomes.complete_from(session.raw_partition):
            return
        self._older_than_log += 1
        self._admit(session, settled=True)
        for where, document_id, content in self._expected(session):
            wrong = self._match(where, document_id, content, session)
            # Nothing makes this document anew, and lists or model may have changed since.
            if wrong and wrong not in (OTHER_LISTS, OTHER_MAKER):
                self._report_session(where, wrong, session, document_id)

    def _expected(self, session: StoredSession | ErasedSession) -> Iterator[tuple[str, str, object]]:
        """Yields the documents that follow from `session` and have not expired."""
        for where, id_, document in expected_documents(session, self._evidence.words):
            if not self._not_expired.has_expired(where, session.event_time_ms):
                yield where, id_, document

    def _match(
        self, where: str, id_: str, document: object, session: StoredSession | ErasedSession
    ) -> str | None:
        others: Iterable[object] = ()
        if where == topics.SESSION_SUMMARIES and isinstance(session, StoredSession):
            others = summaries_by_other_lists(session)
        return self._held[where].match(id_, document, others)

    def _admit(self, session: StoredSession | ErasedSession, settled: bool) -> None:
        if isinstance(session, ErasedSession):
            self._erased += 1  # its user is nobody's: it makes no later session returning, or a duplicate
        else:
            self._admitted.add(session)
        self._lateness.before(session)
        self._not_expired.note(session)
        if self._not_expired.has_expired(topics.PRODUCT_ACTIVITY, session.event_time_ms):
            return
        position = LogPosition(session.raw_partition, session.raw_offset)
        self._figures.add(session, settled, self._in_period(position))

    def _known_from_ms(self) -> int:
        """Returns the arrival from which on every session is known that may have made another a duplicate or
        its user a returning one: 0 unless the log and MongoDB have both deleted older ones."""
        cut = self._scope.cut.get(topics.VALID)
        if not cut or not self._evidence.boundaries.sessions_ms:
            return 0
        begins_ms = [self._log_begins_ms[at] for at in cut if at in self._log_begins_ms]
        return max(begins_ms, default=END_OF_TIME_MS) + self._evidence.horizon.reach_ms

    def _check_users_and_repeats(self) -> None:
        admitted, horizon = self._admitted, self._evidence.horizon
        returning = admitted.wrongly_returning(horizon, self._known_from_ms())
        by_fault = {
            "is there twice": admitted.repeated(),
            "is marked as a new user's, but follows another of this user": admitted.wrongly_new(horizon),
            "is marked as a returning user's, but follows none": returning,
        }
        wrong = ((position, what) for what, positions in by_fault.items() for position in positions)
        found = sorted(item for item in wrong if self._in_period(item[0]))
        names = (
            sessions_at(
                {position for position, _ in found[:SHOWN]}, self._evidence.valid, self._evidence.pseudonyms
            )
            if found
            else {}
        )
        for position, what in found:
            self._discrepancies.add(
                Discrepancy("valid", what, session=names.get(position), raw=str(position))
            )

    def _check_windows(self) -> None:
        wrong = self._figures.compare(self._held[topics.PRODUCT_ACTIVITY])
        first = (
            first_in(
                set(list(wrong)[:SHOWN]),
                self._evidence.valid,
                self._evidence.key_limit,
                self._evidence.pseudonyms,
            )
            if wrong
            else {}
        )
        for id_, what in wrong.items():
            one = Discrepancy(topics.PRODUCT_ACTIVITY, what, document=id_)
            if (session := first.get(id_)) is not None:
                at = LogPosition(session.raw_partition, session.raw_offset)
                one = replace(one, session=session.session_pseudonym, raw=str(at))
            self._discrepancies.add(one)

    def _find_unexplained(self) -> None:
        for name, holding in self._held.items():
            mongodb = map(by_id, self._evidence.mongodb)
            found = mongodb if name == MONGODB else self._evidence.indexes[name]
            for id_ in holding.unmatched(found):
                self._discrepancies.add(_unexplained(name, id_))

    def _in_period(self, position: LogPosition) -> bool:
        span = self._scope.spans.get(position.partition)
        return span is not None and position.offset in span

    def _report_session(
        self,
        where: str,
        what: str,
        session: StoredSession | ErasedSession,
        document: str | None = None,
    ) -> None:
        """Reports what is wrong with `session`, unless it lies outside the period. Without a period, also of
        one whose raw message is no longer there."""
        position = LogPosition(session.raw_partition, session.raw_offset)
        if self._scope.whole or self._in_period(position) or position.partition not in self._scope.spans:
            other = None if document == session.session_pseudonym else document
            discrepancies = self._other_model if what == OTHER_MAKER else self._discrepancies
            discrepancies.add(
                Discrepancy(where, what, session=session.session_pseudonym, document=other, raw=str(position))
            )


def _unexplained(where: str, id_: str) -> Discrepancy:
    what = "is there, but follows from no valid session"
    if where in (MONGODB, topics.SESSION_SUMMARIES):
        return Discrepancy(where, what, session=id_)
    session = id_.rpartition(":")[0] if where == topics.PRODUCT_SENTIMENT else None
    return Discrepancy(where, what, session=session, document=id_)


def _total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))


def _holding(name: str, found: Iterable[tuple[str, Document]]) -> StoreContents:
    if name == topics.PRODUCT_SENTIMENT:
        return StoreContents(
            name, found, Maker(version_field="model", version=model_name(), fields=MODEL_FIELDS)
        )
    return StoreContents(name, found)
