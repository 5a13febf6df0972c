"""`./vitrine recompute`: compares product_activity with the window aggregates of the sessions in MongoDB."""

import argparse
import sys
import time
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct, field
from rich.console import Console

from streaming.command_failure import carried_out
from streaming.contract import topics
from streaming.contract.erased_session import ErasedSession
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.valid_session import decode
from streaming.contract.visible import visible
from streaming.kafka import clients
from streaming.process.exit_code import ExitCode
from streaming.reconcile import caught_up
from streaming.reconcile.command import DELETED_MEANWHILE, NOT_COMPARED, boundaries, line_of
from streaming.reconcile.expected_documents import MONGODB, by_id, session_in
from streaming.reconcile.not_expired import NotExpired
from streaming.reconcile.report import Discrepancies, Discrepancy
from streaming.reconcile.store_contents import StoreContents
from streaming.reconcile.window_figures import Figures
from streaming.retention.boundary import NOTHING_EXPIRED, Boundaries
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings, PseudonymSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.stores import Document, StoreUnavailable
from streaming.summaries.key_limit import KeyLimit
from streaming.summaries.settings import WindowSettings


class Recomputed(Struct, kw_only=True):
    """What `./vitrine recompute --json` prints."""

    holds: bool
    sessions: int
    """Sessions in MongoDB, with what is left of erased ones."""
    erased: int = 0
    """Sessions of which only what windows sum is left, because their users were erased."""
    windows: int
    """Windows in Elasticsearch that were compared."""
    left_out: int
    """Windows not compared, because they still got sessions."""
    expired: int = 0
    """Windows not compared, because their sessions have expired."""
    breaks_in_all: int = 0
    breaks: list[Discrepancy] = field(default_factory=list)


def recompute(
    found: Iterable[tuple[str, Document]],
    mongodb: Iterable[Document],
    later: Iterable[bytes],
    until: Mapping[int, int],
    limit: KeyLimit,
    pseudonyms: Pseudonyms,
    boundaries: Boundaries = NOTHING_EXPIRED,
) -> Recomputed:
    """Compares the windows `found` with those of the sessions in `mongodb`. Pure. `later`: valid sessions
    that may have arrived while the stores were read; their windows are left out. So are those of sessions
    from raw offsets of `until` on. `limit`: how many totals one session may make. What is before the
    `boundaries` is not compared."""
    not_expired = NotExpired(boundaries)
    held, figures, discrepancies = (
        StoreContents(topics.PRODUCT_ACTIVITY, not_expired.of(topics.PRODUCT_ACTIVITY, found)),
        Figures(only_touched=False, limit=limit),
        Discrepancies(),
    )
    sessions = erased = 0
    for document in mongodb:
        sessions += 1
        session = session_in(document, pseudonyms)
        erased += isinstance(session, ErasedSession)
        if session is None:
            discrepancies.add(Discrepancy(MONGODB, "is no valid session", session=by_id(document)[0]))
        elif not not_expired.has_expired(topics.PRODUCT_ACTIVITY, session.event_time_ms):
            figures.add(session, session.raw_offset < until.get(session.raw_partition, 0))
    for value in later:
        figures.leave_out(decode(value, pseudonyms))
    for id_, what in figures.compare(held).items():
        discrepancies.add(Discrepancy(held.where, what, document=id_))
    for id_ in held.unmatched(found):
        discrepancies.add(
            Discrepancy(held.where, "is there, but follows from no session in MongoDB", document=id_)
        )
    return Recomputed(
        holds=discrepancies.count == 0,
        sessions=sessions,
        erased=erased,
        windows=held.counted,
        left_out=held.excluded,
        expired=not_expired.counted().documents.get(topics.PRODUCT_ACTIVITY, 0),
        breaks_in_all=discrepancies.count,
        breaks=discrepancies.first,
    )


def run(as_json: bool, timeout_s: float) -> int:
    """Waits up to `timeout_s` for the stages to catch up and prints whether the windows agree. Returns an
    ExitCode."""

    def read() -> Recomputed:
        settings = KafkaSettings()
        scope = caught_up.wait(settings, None, time.monotonic() + timeout_s, lambda text: None)
        index, store = ElasticsearchIndex(ElasticsearchSettings()), MongoSessions(MongoSettings())
        known = boundaries()
        index.refresh(topics.PRODUCT_ACTIVITY)
        later = clients.read_all(settings, topics.VALID, scope.valid_from)
        # Stores are read before topics for the reason given in evidence.py.
        found = list(index.scan(topics.PRODUCT_ACTIVITY))
        messages = (one.value() or b"" for one in later)
        limit, pseudonyms = WindowSettings().limit, PseudonymSettings().pseudonyms
        compared = recompute(found, store.scan(), messages, scope.until, limit, pseudonyms, known)
        if boundaries() != known:
            raise StoreUnavailable(DELETED_MEANWHILE)
        return compared

    def compare() -> int:
        found = read()
        if as_json:
            sys.stdout.write(visible(msgspec.json.encode(found).decode()) + "\n")
        else:
            agrees = "agree" if found.holds else "do NOT agree"
            print(f"{found.windows} windows and the {found.sessions} sessions in MongoDB {agrees}")
        console = Console(stderr=True)
        for one in found.breaks:
            console.print(line_of(one), soft_wrap=True)
        return ExitCode.DONE if found.holds else ExitCode.NOT_SO

    return carried_out(compare, NOT_COMPARED)


def from_command_line(arguments: argparse.Namespace) -> int:
    """Runs the command with parsed arguments. Returns its exit code."""
    return run(arguments.json, arguments.timeout)
