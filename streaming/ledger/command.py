"""`./vitrine reconcile`."""

import sys
import time

import msgspec
from confluent_kafka import KafkaException
from elasticsearch import ApiError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from streaming.adapters.elasticsearch import ElasticsearchIndex
from streaming.adapters.kafka_progress import Behind
from streaming.adapters.mongo import MongoSessions
from streaming.gate.distinct import distinct_users
from streaming.ledger import caught_up, read
from streaming.ledger.account import account
from streaming.ledger.report import Report
from streaming.ports import StoreAway
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings, RedisSettings

HOLDS, BROKEN, UNKNOWN = 0, 1, 3


def run(as_json: bool, timeout_s: float) -> int:
    """Waits up to `timeout_s` for the stages to catch up, reads everything and prints what it found. 0 if it
    all agrees, 1 if not, 3 if that could not be found out."""
    console = Console(stderr=True)
    try:
        report = reconcile(timeout_s, console)
    except (Behind, caught_up.HeadGone, StoreAway) as error:
        console.print(f"[bold]Could not be checked.[/bold] {escape(str(error))}", soft_wrap=True)
        return UNKNOWN
    except (KafkaException, ApiError) as error:
        console.print(
            f"[bold]Could not be checked:[/bold] {escape(str(error))}. Is it up? ./vitrine status",
            soft_wrap=True,
        )
        return UNKNOWN
    if as_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        _show(report)
    for one in report.breaks:
        # Ids are the senders' own words: brackets in them are no markup.
        console.print(f"[red]broken[/red] {escape(str(one))}", soft_wrap=True, highlight=False)
    if report.breaks_in_all > len(report.breaks):
        console.print(f"and {report.breaks_in_all - len(report.breaks)} more")
    if report.left_out:
        console.print(f"{report.left_out} documents of product_activity left out: their hours go on")
    return HOLDS if report.holds else BROKEN


def reconcile(timeout_s: float, console: Console) -> Report:
    """The report on the components that the environment points at. Raises Behind, HeadGone, StoreAway,
    KafkaException or ApiError where it cannot be made."""
    kafka_settings = KafkaSettings()
    with console.status("asking how far the stages are") as status:
        until = caught_up.wait(kafka_settings, time.monotonic() + timeout_s, status.update)
        evidence = read.evidence(
            kafka_settings,
            until,
            ElasticsearchIndex(ElasticsearchSettings()),
            MongoSessions(MongoSettings()),
            status.update,
        )
        return account(evidence, lambda: distinct_users(RedisSettings()))


def _show(report: Report) -> None:
    table = Table("figure", "count", title="agrees with itself" if report.holds else "does NOT agree")
    rows: list[tuple[str, object]] = [
        ("sent", report.sent),
        ("valid", report.valid),
        ("duplicate", report.duplicate),
        *((f"rejected: {reason}", count) for reason, count in report.rejected.items()),
        ("late, in no window", report.late),
        ("MongoDB sessions", report.mongodb),
        *((f"Elasticsearch {index}", count) for index, count in report.elasticsearch.items()),
        ("distinct users, exact", report.distinct_users.exact),
        ("distinct users, estimate", report.distinct_users.estimate),
    ]
    for name, count in rows:
        table.add_row(name, str(count))
    Console().print(table)
