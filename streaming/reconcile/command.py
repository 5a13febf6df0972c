"""`./vitrine reconcile`."""

import argparse
import sys
import time
from collections.abc import Callable

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streaming.command_failure import carried_out
from streaming.contract.period import Window, period
from streaming.contract.visible import visible
from streaming.distinct.all_users import distinct_users
from streaming.gate.settings import GateSettings
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.reconcile import caught_up, last_verdict, read
from streaming.reconcile.account import reconcile_evidence
from streaming.reconcile.evidence import Evidence
from streaming.reconcile.labelled import labelled
from streaming.reconcile.report import Discrepancy, Report
from streaming.retention.boundary import Boundaries
from streaming.retention.record import MongoRecord
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings, RedisSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.stores import StoreUnavailable
from streaming.summaries.settings import WindowSettings
from streaming.words.settings import WordSettings

REBUILD = "./vitrine resummarise"
DELETED_MEANWHILE = "retention has begun to delete what was compared: compare again"
NOT_COMPARED = "The stores could not be compared"


def from_command_line(arguments: argparse.Namespace) -> int:
    """Runs the command and writes the verdict for the monitor. Returns the exit code."""
    code = run(arguments.json, arguments.timeout, arguments.start, arguments.end)
    return last_verdict.keep(code, whole=not (arguments.start or arguments.end))


def run(as_json: bool, timeout_s: float, start: str | None = None, end: str | None = None) -> int:
    """Waits up to `timeout_s` for the stages to catch up, reads everything and prints the report on the
    messages that arrived from `start` to before `end` (ISO 8601; without them, on all). Returns an
    ExitCode."""
    return run_with(None, as_json, timeout_s, start, end)


def run_with(
    label: Callable[[str], str] | None, as_json: bool, timeout_s: float, start: str | None, end: str | None
) -> int:
    """The same as `run`, with `label(session id)` in the place of each session id, if given."""

    def compare() -> int:
        console = Console(stderr=True)
        try:
            window = period(start, end)
        except ValueError as error:
            raise InvalidRequest(str(error)) from error
        report = reconcile(timeout_s, console, window)
        if label is not None:
            report = labelled(report, label)
        if as_json:
            sys.stdout.write(visible(msgspec.json.encode(report).decode()) + "\n")
        else:
            _show(report)
        _print_remarks(report, console, window)
        return ExitCode.DONE if report.holds else ExitCode.NOT_SO

    return carried_out(compare, NOT_COMPARED)


def boundaries() -> Boundaries:
    """Returns before which moments sessions and documents have expired. Raises StoreUnavailable."""
    return MongoRecord(MongoSettings()).boundaries()


def gather(timeout_s: float, console: Console, window: Window | None) -> Evidence:
    """Returns the contents of the topics and stores that the settings name. Raises StageBehind,
    StoreUnavailable, KafkaException or ApiError if they cannot be read."""
    kafka_settings = KafkaSettings()
    with console.status("reading the offsets of the stages") as status:
        scope = caught_up.wait(kafka_settings, window, time.monotonic() + timeout_s, status.update)
    evidence = read.evidence(
        kafka_settings,
        scope,
        GateSettings(),
        WindowSettings(),
        WordSettings().words,
        ElasticsearchIndex(ElasticsearchSettings()),
        MongoSessions(MongoSettings()),
    )
    return replace(evidence, boundaries=boundaries())


def reconcile(timeout_s: float, console: Console, window: Window | None = None) -> Report:
    """Returns the report. Raises what `gather` raises."""
    evidence = gather(timeout_s, console, window)
    with console.status("reading topics and stores"):
        report = reconcile_evidence(evidence, lambda: distinct_users(RedisSettings()))
    if boundaries() != evidence.boundaries:
        raise StoreUnavailable(DELETED_MEANWHILE)
    return report


def _print_remarks(report: Report, console: Console, window: Window | None) -> None:
    """Prints the discrepancies, and what the figures leave out."""
    if window is None:
        for partition, one in report.partitions.items():
            if one.first:
                console.print(
                    f"raw partition {partition} is compared from offset {one.first} on: earlier"
                    " messages are no longer in every topic",
                    soft_wrap=True,
                )
    for one_break in report.breaks:
        console.print(line_of(one_break), soft_wrap=True)
    if report.breaks_in_all > len(report.breaks):
        console.print(f"and {report.breaks_in_all - len(report.breaks)} more")
    if report.other_model:
        console.print(
            f"{report.other_model} documents of product_sentiment were made by another model than the current"
            f" one: run the Flink job again from the beginning ({REBUILD})",
            soft_wrap=True,
        )
    if documents := sum(report.expired.documents.values()):
        console.print(
            f"{documents} documents are older than what is compared: the next run of the DAG retention"
            " deletes them, or they are window totals that are kept for longer than their sessions",
            soft_wrap=True,
        )
    if report.left_out:
        console.print(
            f"{report.left_out} documents of product_activity left out: their windows still get sessions"
        )


def line_of(one_break: Discrepancy) -> Text:
    """Returns `one_break` as it is printed. Senders choose the ids in it: neither markup nor control
    characters in them count."""
    return Text.assemble(("broken", "red"), f" {visible(str(one_break))}")


def _show(report: Report) -> None:
    table = Table("figure", "count", title="the stores agree" if report.holds else "the stores do NOT agree")
    rows: list[tuple[str, object]] = [
        ("sent", report.sent),
        ("valid", report.valid),
        ("duplicate", report.duplicate),
        *((f"rejected: {reason}", count) for reason, count in report.rejected.items()),
        ("rejected, corrected since", report.corrections.corrected),
        ("rejected, open", sum(report.corrections.open.values())),
        ("late, in no window", report.late),
        ("valid, expired", report.expired.sessions),
        ("erased, in windows only", report.erased),
        ("MongoDB sessions", report.mongodb),
        *((f"Elasticsearch {index}", count) for index, count in report.elasticsearch.items()),
        ("distinct users, exact", report.distinct_users.exact),
        ("distinct users, estimate", report.distinct_users.estimate),
    ]
    for name, count in rows:
        table.add_row(Text(visible(name)), str(count))
    for partition, one in report.partitions.items():
        table.add_row(f"raw partition {partition}", f"{one.sent} sent at {one.first} to {one.to}")
    Console().print(table)
