"""`./vitrine recompute`: the windows of product_activity, from the sessions in MongoDB alone."""

import argparse
import sys
import time
from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct, field
from rich.console import Console
from rich.markup import escape

from streaming.command_failure import carried_out
from streaming.contract import topics
from streaming.contract.valid_session import decode
from streaming.kafka import clients
from streaming.process.exit_code import ExitCode
from streaming.reconcile import caught_up
from streaming.reconcile.command import IN_VAIN
from streaming.reconcile.expected_documents import MONGODB, by_id, remembered
from streaming.reconcile.report import Break, Breaks
from streaming.reconcile.store_contents import StoreContents
from streaming.reconcile.window_figures import Figures
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.stores import Document


class Recomputed(Struct, kw_only=True):
    """What `./vitrine recompute --json` prints."""

    holds: bool
    sessions: int
    """In MongoDB."""
    windows: int
    """In Elasticsearch."""
    left_out: int
    """Windows not judged, because sessions went on coming into them."""
    breaks_in_all: int = 0
    breaks: list[Break] = field(default_factory=list)


def recompute(
    found: Iterable[tuple[str, Document]],
    mongodb: Iterable[Document],
    later: Iterable[bytes],
    until: Mapping[int, int],
) -> Recomputed:
    """Compares the windows `found` with those that the sessions in `mongodb` make. Pure. `later`: valid
    sessions that may have come in between, and whose windows are left out; none of them comes from before
    the raw offsets `until`."""
    held, figures, breaks = (
        StoreContents(topics.PRODUCT_ACTIVITY, found),
        Figures(only_touched=False),
        Breaks(),
    )
    sessions = 0
    for document in mongodb:
        sessions += 1
        session = remembered(document)
        if session is None:
            breaks.tell(Break(MONGODB, "is no valid session", session=by_id(document)[0]))
        else:
            figures.add(session, session.raw_offset < until.get(session.raw_partition, 0))
    for value in later:
        figures.move(decode(value))
    for id_, what in figures.compare(held).items():
        breaks.tell(Break(held.where, what, document=id_))
    for id_ in held.unclaimed(found):
        breaks.tell(Break(held.where, "is there, but follows from no session in MongoDB", document=id_))
    return Recomputed(
        holds=breaks.count == 0,
        sessions=sessions,
        windows=held.counted,
        left_out=held.set_aside,
        breaks_in_all=breaks.count,
        breaks=breaks.first,
    )


def run(as_json: bool, timeout_s: float) -> int:
    """Waits up to `timeout_s` for the stages to catch up and prints whether the windows agree. Gives an
    ExitCode."""

    def ask() -> Recomputed:
        settings = KafkaSettings()
        standing = caught_up.wait(settings, None, time.monotonic() + timeout_s, lambda text: None)
        index, store = ElasticsearchIndex(ElasticsearchSettings()), MongoSessions(MongoSettings())
        index.refresh(topics.PRODUCT_ACTIVITY)
        later = clients.read_all(settings, topics.VALID, standing.valid_from)
        # Evidence is read in this order for the reason given in evidence.py.
        found = list(index.scan(topics.PRODUCT_ACTIVITY))
        return recompute(found, store.scan(), (one.value() or b"" for one in later), standing.until)

    def judge() -> int:
        found = ask()
        if as_json:
            sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        else:
            agrees = "agree" if found.holds else "do NOT agree"
            print(f"{found.windows} windows and the {found.sessions} sessions in MongoDB {agrees}")
        console = Console(stderr=True)
        for one in found.breaks:
            console.print(f"[red]broken[/red] {escape(str(one))}", soft_wrap=True, highlight=False)
        return ExitCode.DONE if found.holds else ExitCode.NOT_SO

    return carried_out(judge, IN_VAIN)


def from_command_line(arguments: argparse.Namespace) -> int:
    """Carries out the command as it was parsed. Returns its exit code."""
    return run(arguments.json, arguments.timeout)
