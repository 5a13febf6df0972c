"""`./vitrine ingest FILE`: sends a file's sessions, waits for the gate's outcomes and prints them."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import duckdb
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from streaming.command_failure import carried_out
from streaming.contract.rejection import Reason
from streaming.contract.visible import visible
from streaming.file_import import assignment
from streaming.file_import.expiring import Expiring
from streaming.file_import.outcomes import GateOutcomes
from streaming.file_import.reading import Reading
from streaming.file_import.sending import Sender
from streaming.file_import.settings import IngestSettings
from streaming.kafka.clients import ensure_topics, require
from streaming.process.exit_code import ExitCode
from streaming.retention.plan import SESSIONS, limits
from streaming.retention.settings import RetentionSettings
from streaming.settings import DataSettings, KafkaSettings
from streaming.stores import StoreUnavailable

_COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


class ImportResult(NamedTuple):
    """The counts of an import: `sessions` is `accepted` plus all of `rejected`."""

    events: int
    sessions: int
    accepted: int
    rejected: dict[str, int]


class Steps:
    """Shows the import's progress on standard error: reading (bytes), sending and outcomes (messages)."""

    def __init__(self, progress: Progress, size_bytes: int) -> None:
        self._progress = progress
        self._read = progress.add_task("Reading, kB", total=size_bytes // 1_000)
        self._sent: TaskID | None = None
        self._decided: TaskID | None = None

    def read(self, position_bytes: int) -> None:
        self._progress.update(self._read, completed=position_bytes // 1_000)

    def grouping(self) -> None:
        self._progress.update(self._read, description="Read and grouped, kB")

    def sent(self, messages: int, done: bool = False) -> None:
        if self._sent is None:
            self._sent = self._progress.add_task("Sending", total=None)
        self._progress.update(self._sent, completed=messages, total=messages if done else None)

    def decided(self, messages: int, total: int) -> None:
        if self._decided is None:
            self._decided = self._progress.add_task("Decided by the gate", total=total)
        self._progress.update(self._decided, completed=messages)


def ingest(
    path: Path,
    assigned: Mapping[str, str],
    steps: Steps,
    *,
    kafka: KafkaSettings,
    settings: IngestSettings,
    spill: Path,
    expiring: Expiring,
) -> ImportResult:
    """Sends the sessions of `path` and counts the gate's outcomes; events are grouped in the folder `spill`.
    `expiring` notes every message. Raises SourceError, KafkaException, GateSilent, or StoreUnavailable if the
    events do not fit on the disk."""
    reading = Reading(path, assigned, steps, settings.imports)
    require(kafka)
    ensure_topics(kafka)
    outcomes = GateOutcomes(kafka)
    try:
        sender = Sender(kafka)
        for count, message in enumerate(reading.messages(settings, spill), 1):
            sender.send(message)
            expiring.note(message.value)
            if count % 1_000 == 0:
                steps.sent(count)
        sender.flush()
        total = len(sender.positions)
        steps.sent(total, done=True)
        outcomes.wait(sender.positions, settings.patience_s, lambda seen: steps.decided(seen, total))
    except duckdb.Error as error:
        raise StoreUnavailable(f"The events could not be grouped: {error}") from error
    finally:
        outcomes.close()
    rejected: Counter[str] = outcomes.rejected.copy()
    if sender.too_large:
        rejected[Reason.TOO_LARGE.value] += sender.too_large
    return ImportResult(
        events=reading.events,
        sessions=outcomes.accepted + rejected.total(),
        accepted=outcomes.accepted,
        rejected=dict(sorted(rejected.items())),
    )


def run(path: Path, assigned: dict[str, str], as_json: bool) -> int:
    """Imports `path`, waits until all messages have their outcome, and prints {"events", "sessions",
    "accepted", "rejected": {reason: n}}. Returns an ExitCode."""

    def import_file() -> int:
        assignment.check(assigned)
        expiring = Expiring(_boundary_ms())
        with Progress(*_COLUMNS, console=Console(stderr=True)) as progress:
            result = ingest(
                path,
                assigned,
                Steps(progress, path.stat().st_size if path.is_file() else 0),
                kafka=KafkaSettings(),
                settings=IngestSettings(),
                spill=DataSettings().layout.import_spill,
                expiring=expiring,
            )
        if expiring.count:
            print(
                f"{expiring.count} sessions are older than sessions are kept: the next run of the DAG "
                "retention deletes them. To keep them, raise VITRINE_RETENTION_SESSIONS_DAYS before.",
                file=sys.stderr,
            )
        if as_json:
            print(json.dumps(result._asdict()))
        else:
            print(f"{result.events} events in {result.sessions} sessions: {result.accepted} accepted")
            for reason, count in result.rejected.items():
                print(f"  {count} rejected: {visible(reason)}")
        return ExitCode.DONE

    return carried_out(import_file, "The file was not imported completely")


def _boundary_ms() -> int:
    """Returns the event time before which retention will delete sessions, by the settings of now."""
    found = limits(RetentionSettings().days(), time.time_ns() // 1_000_000, {})
    return next(limit.before_ms for limit in found if limit.place == SESSIONS)


def from_command_line(arguments: argparse.Namespace) -> int:
    """Runs the command with parsed arguments. Returns its exit code."""
    return run(arguments.file, dict(arguments.assigned), arguments.json)
