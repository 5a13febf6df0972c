"""Topics and stores held against one another. Pure: the same evidence gives the same report."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from streaming.events import topics
from streaming.events.valid import ValidSession, decode
from streaming.ledger.evidence import Evidence, ValidRecord
from streaming.ledger.holding import Holding
from streaming.ledger.outcomes import VALID, Outcomes
from streaming.ledger.report import SHOWN, Break, DistinctUsers, Report
from streaming.ports import Document
from streaming.summaries.documents import documents
from streaming.summaries.product import Windows, window

MONGODB = "mongodb"


class _Breaks:
    """The first breaks, and how many there are in all."""

    def __init__(self) -> None:
        self.first: list[Break] = []
        self.count = 0

    def tell(self, one: Break) -> None:
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(one)


def account(evidence: Evidence, estimated_users: Callable[[], int]) -> Report:
    """Reads all of `evidence` and says whether it agrees. `estimated_users` is asked after the valid sessions
    were read; its answer stands beside the exact count."""
    breaks = _Breaks()
    held = {index: Holding(index, found) for index, found in evidence.indexes.items()}
    held[MONGODB] = Holding(MONGODB, _by_id(evidence.mongodb))
    outcomes = Outcomes(evidence.until, breaks.tell)
    windows, moving = Windows(), set[str]()
    session_ids: set[str] = set()
    user_ids: set[str] = set()
    late = 0

    for record in evidence.valid:
        session = _session(record, breaks.tell)
        if session is None:
            continue
        outcomes.valid(session)
        user_ids.add(session.user_id)
        if session.session_id in session_ids:
            breaks.tell(Break("valid", "is there twice", session=session.session_id))
            continue
        session_ids.add(session.session_id)
        settled = session.raw_offset < evidence.until.get(session.raw_partition, 0)
        late += session.late and settled
        windows.add(session)
        if not settled:
            moving.update(window([session]))
        for where, id_, document in _stored(session):
            if not settled:
                held[where].set_aside_if_held(id_)
            elif wrong := held[where].claim(id_, document):
                name = None if id_ == session.session_id else id_
                breaks.tell(Break(where, wrong, session=session.session_id, document=name))

    estimate = estimated_users()
    _compare_windows(windows, moving, held[topics.PRODUCT_ACTIVITY], evidence, breaks.tell)
    for holding in held.values():
        for id_ in holding.unclaimed():
            breaks.tell(_unexplained(holding.where, id_))
    for rejected in evidence.rejected:
        outcomes.rejected(rejected)
    for raw in evidence.raw:
        outcomes.raw(raw, session_ids)
    for partition, offset in outcomes.without_raw():
        breaks.tell(Break("raw", "has an outcome, but is not there", raw=f"{partition}:{offset}"))

    rejections = dict(sorted(outcomes.counts.items()))
    return Report(
        holds=breaks.count == 0,
        sent=outcomes.sent,
        valid=rejections.pop(VALID, 0),
        duplicate=rejections.pop("duplicate", 0),
        rejected=rejections,
        late=late,
        mongodb=held[MONGODB].counted,
        elasticsearch={index: held[index].counted for index in topics.INDEXED},
        distinct_users=DistinctUsers(exact=len(user_ids), estimate=estimate),
        left_out=held[topics.PRODUCT_ACTIVITY].set_aside,
        breaks_in_all=breaks.count,
        breaks=breaks.first,
    )


def _compare_windows(
    windows: Windows, moving: set[str], held: Holding, evidence: Evidence, tell: Callable[[Break], None]
) -> None:
    """Holds every window against what the index has; those `moving` with later sessions are left out."""
    wrong: dict[str, str] = {}
    for id_, activity in windows.activities().items():
        if id_ in moving:
            held.set_aside_if_held(id_)
        elif what := held.claim(id_, activity):
            wrong[id_] = what
    sessions = _one_session_of(set(list(wrong)[:SHOWN]), evidence.valid)
    for id_, what in wrong.items():
        tell(Break(held.where, what, session=sessions.get(id_), document=id_))


def _one_session_of(ids: set[str], valid: Iterable[ValidRecord]) -> dict[str, str]:
    """For each window the first session in it. Read again, as what seldom breaks is not worth remembering."""
    found: dict[str, str] = {}
    if ids:
        for record in valid:
            session = _decoded(record)
            if session is not None:
                for id_ in ids & window([session]).keys():
                    found.setdefault(id_, session.session_id)
    return found


def _by_id(found: Iterable[Document]) -> Iterator[tuple[str, Document]]:
    for document in found:
        id_ = document.pop("_id")
        yield id_ if isinstance(id_, str) else repr(id_), document


def _session(record: ValidRecord, tell: Callable[[Break], None]) -> ValidSession | None:
    session = _decoded(record)
    if session is None:
        tell(Break("valid", f"at {record.partition}:{record.offset} is no valid session"))
    elif record.key != session.user_id.encode():
        tell(Break("valid", "has another key than its user", session=session.session_id))
    return session


def _decoded(record: ValidRecord) -> ValidSession | None:
    try:
        return decode(record.value or b"")
    except msgspec.DecodeError:
        return None


def _stored(session: ValidSession) -> Iterator[tuple[str, str, object]]:
    """(store, id, document) of everything outside the windows that has to be there because of `session`."""
    yield MONGODB, session.session_id, session
    yield from documents(session)


def _unexplained(where: str, id_: str) -> Break:
    what = "is there, but follows from no valid session"
    if where in (MONGODB, topics.SESSION_SUMMARIES):
        return Break(where, what, session=id_)
    session = id_.rpartition(":")[0] if where == topics.PRODUCT_SENTIMENT else None
    return Break(where, what, session=session, document=id_)
