"""`./vitrine retention`, and the same for the DAG."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from streaming.command_failure import carried_out
from streaming.contract import topics
from streaming.contract.time_units import DAY_MS
from streaming.data_folder.alone import alone
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.retention import clock, log
from streaming.retention.extracts import ExpiringExtracts
from streaming.retention.files import ExpiringEntries, ExpiringFiles
from streaming.retention.place import Kept, Place, Record
from streaming.retention.plan import EXTRACTS, REPORTS, SESSIONS, TASK_LOGS, TOPICS, TRUSTED
from streaming.retention.record import MongoRecord
from streaming.retention.run import Done, run
from streaming.retention.sessions import ExpiringSessions
from streaming.retention.settings import RetentionSettings, contradictions
from streaming.retention.slices import ExpiringSlices
from streaming.settings import DataSettings, ElasticsearchSettings, KafkaSettings, MongoSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.summaries.settings import JobSettings


def from_command_line(arguments: argparse.Namespace) -> int:
    """Runs the command with parsed arguments. Returns its exit code."""
    return carry_out(arguments.dry_run, arguments.json, clock_is_right=arguments.clock_is_right)


def carry_out(
    dry_run: bool,
    as_json: bool,
    take: Callable[[Sequence[Done]], object] = lambda done: None,
    clock_is_right: bool = False,
) -> int:
    """Deletes what is due, or only says what is; prints it and gives it to `take`. `clock_is_right`: somebody
    has looked, so that it is believed. Returns an ExitCode."""

    def command() -> int:
        done = enforce(dry_run, clock_is_right)
        take(done)
        kafka = KafkaSettings()
        oldest_ms = log.oldest_ms(kafka)
        if not dry_run:
            MongoRecord(MongoSettings()).write(_of_topics(kafka, oldest_ms))
        if as_json:
            answer = {
                "dry_run": dry_run,
                "topics": {"retention_ms": kafka.retention_ms, "oldest_ms": oldest_ms},
                "places": msgspec.to_builtins(done),
            }
            sys.stdout.write(json.dumps(answer) + "\n")
        else:
            _show(done, dry_run)
        return ExitCode.DONE

    return carried_out(command, "What has expired could not be deleted")


def enforce(dry_run: bool, clock_is_right: bool) -> list[Done]:
    """Deletes what is due in all places, or only looks. Raises InvalidRequest if settings contradict each
    other or the clock what was recorded, and StoreUnavailable or ApiError; then call it again."""
    settings = RetentionSettings()
    wrong = list(contradictions(settings, KafkaSettings().retention_ms, JobSettings().state_ttl_ms))
    if wrong:
        raise InvalidRequest(" ".join(wrong))
    record = MongoRecord(MongoSettings())
    with alone(DataSettings().layout.root):
        if not dry_run:
            believe_clock(record, _now_ms(), clock_is_right)
        return list(run(places(settings), settings.days(), record, _now_ms, dry_run))


def believe_clock(record: Record, now_ms: int, is_right: bool) -> None:
    """Raises InvalidRequest if something speaks against the clock. If it `is_right`, as somebody says, takes
    boundaries back that have not come yet."""
    recorded = record.read()
    if is_right:
        for kept in clock.taken_back(recorded, now_ms):
            record.write(kept)
    elif doubt := clock.doubts(recorded, now_ms):
        raise InvalidRequest(
            f"It is {_day(now_ms)} by this machine's clock, but {doubt}. Nothing was deleted. If the clock "
            "is right (date), once: ./vitrine retention --clock-is-right"
        )


def places(settings: RetentionSettings) -> dict[str, Place]:
    """Returns every place that this process can reach, by name."""
    layout, index = DataSettings().layout, ElasticsearchIndex(ElasticsearchSettings())
    found: dict[str, Place] = {
        SESSIONS: ExpiringSessions(MongoSettings()),
        **{name: ExpiringSlices(index, name) for name in topics.INDEXED},
        EXTRACTS: ExpiringExtracts(layout.extract),
        TRUSTED: ExpiringEntries("folders of runs", layout.trusted, layout.unreleased),
        REPORTS: ExpiringEntries("files", layout.reports),
    }
    if settings.task_logs:
        found[TASK_LOGS] = ExpiringFiles(Path(settings.task_logs))
    return found


def _of_topics(kafka: KafkaSettings, oldest_ms: int | None) -> Kept:
    days = 0 if kafka.retention_ms < 0 else max(1, kafka.retention_ms // DAY_MS)
    return Kept(place=TOPICS, days=days, unit="records", oldest_ms=oldest_ms, looked_at_ms=_now_ms())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _show(done: list[Done], dry_run: bool) -> None:
    title = "what is due" if dry_run else "what was deleted"
    table = Table("place", "keeps", "before", title, "oldest left")
    for one in done:
        table.add_row(*_row(one))
    Console().print(table)


def _row(one: Done) -> tuple[Any, ...]:
    keeps = f"{one.days} days" if one.days else "for ever"
    return one.place, keeps, _day(one.before_ms or None), f"{one.amount} {one.unit}", _day(one.oldest_ms)


def _day(at_ms: int | None) -> str:
    return "" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
