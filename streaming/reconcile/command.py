"""`./vitrine reconcile`."""

import argparse
import sys
import time

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streaming.command_failure import carried_out
from streaming.contract.period import Window, period
from streaming.distinct.all_users import distinct_users
from streaming.gate.settings import GateSettings
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.reconcile import caught_up, last_verdict, read
from streaming.reconcile.account import reconcile_evidence
from streaming.reconcile.evidence import Evidence
from streaming.reconcile.report import Report
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings, RedisSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.mongo.sessions import MongoSessions

REBUILD = "./vitrine resummarise"
IN_VAIN = "Could not be checked"


def from_command_line(arguments: argparse.Namespace) -> int:
    """Keeps the verdict for the monitor."""
    code = run(arguments.json, arguments.timeout, arguments.start, arguments.end)
    return last_verdict.kept(code, whole=not (arguments.start or arguments.end))


def run(as_json: bool, timeout_s: float, start: str | None = None, end: str | None = None) -> int:
    """Waits up to `timeout_s` for the stages to catch up, reads everything and prints what it found of the
    messages that arrived from `start` to before `end` (ISO 8601; all, without them). Gives an ExitCode."""

    def judge() -> int:
        console = Console(stderr=True)
        try:
            asked = period(start, end)
        except ValueError as error:
            raise InvalidRequest(str(error)) from error
        report = reconcile(timeout_s, console, asked)
        if as_json:
            sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        else:
            _show(report)
        _tell(report, console, asked)
        return ExitCode.DONE if report.holds else ExitCode.NOT_SO

    return carried_out(judge, IN_VAIN)


def gather(timeout_s: float, console: Console, asked: Window | None) -> Evidence:
    """What the components that the environment points at hold. Raises Behind, StoreUnavailable,
    KafkaException or ApiError where that cannot be had."""
    kafka_settings = KafkaSettings()
    with console.status("asking how far the stages are") as status:
        standing = caught_up.wait(kafka_settings, asked, time.monotonic() + timeout_s, status.update)
    return read.evidence(
        kafka_settings,
        standing,
        GateSettings(),
        ElasticsearchIndex(ElasticsearchSettings()),
        MongoSessions(MongoSettings()),
    )


def reconcile(timeout_s: float, console: Console, asked: Window | None = None) -> Report:
    """The report on all of it. Raises what `gather` raises."""
    evidence = gather(timeout_s, console, asked)
    with console.status("reading topics and stores"):
        return reconcile_evidence(evidence, lambda: distinct_users(RedisSettings()))


def _tell(report: Report, console: Console, asked: Window | None) -> None:
    """What a reader has to know beside the figures."""
    if asked is None:
        for partition, one in report.partitions.items():
            if one.first:
                console.print(
                    f"raw partition {partition} is judged from offset {one.first} on: what came"
                    " before is no longer in every topic",
                    soft_wrap=True,
                )
    for one_break in report.breaks:
        # Ids are the senders' own words: brackets in them are no markup.
        console.print(f"[red]broken[/red] {escape(str(one_break))}", soft_wrap=True, highlight=False)
    if report.breaks_in_all > len(report.breaks):
        console.print(f"and {report.breaks_in_all - len(report.breaks)} more")
    if report.other_model:
        console.print(
            f"{report.other_model} documents of product_sentiment were made by another model than the one in"
            f" use: run the Flink job from its beginning ({REBUILD})",
            soft_wrap=True,
        )
    if report.left_out:
        console.print(f"{report.left_out} documents of product_activity left out: their hours go on")


def _show(report: Report) -> None:
    table = Table("figure", "count", title="agrees with itself" if report.holds else "does NOT agree")
    rows: list[tuple[str, object]] = [
        ("sent", report.sent),
        ("valid", report.valid),
        ("duplicate", report.duplicate),
        *((f"rejected: {reason}", count) for reason, count in report.rejected.items()),
        ("rejected, corrected since", report.corrections.corrected),
        ("rejected, open", sum(report.corrections.open.values())),
        ("late, in no window", report.late),
        ("MongoDB sessions", report.mongodb),
        *((f"Elasticsearch {index}", count) for index, count in report.elasticsearch.items()),
        ("distinct users, exact", report.distinct_users.exact),
        ("distinct users, estimate", report.distinct_users.estimate),
    ]
    for name, count in rows:
        table.add_row(name, str(count))
    for partition, one in report.partitions.items():
        table.add_row(f"raw partition {partition}", f"{one.sent} sent at {one.first} to {one.to}")
    Console().print(table)
