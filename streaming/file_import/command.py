"""`./vitrine ingest FILE`: sends a file's sessions, waits for the gate's verdicts, tells them."""

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import duckdb
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from streaming.command_failure import carried_out
from streaming.contract.rejection import Reason
from streaming.file_import import assignment
from streaming.file_import.reading import Reading
from streaming.file_import.sending import Sender
from streaming.file_import.settings import IngestSettings
from streaming.file_import.verdicts import Verdicts
from streaming.kafka.clients import ensure_topics, require
from streaming.process.exit_code import ExitCode
from streaming.settings import DataSettings, KafkaSettings
from streaming.stores import StoreUnavailable

_COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())


class ImportOutcome(NamedTuple):
    """What became of a file: `sessions` is `accepted` plus all of `rejected`."""

    events: int
    sessions: int
    accepted: int
    rejected: dict[str, int]


class Steps:
    """The import's progress on standard error: reading (bytes), sending and verdicts (messages)."""

    def __init__(self, progress: Progress, size_bytes: int) -> None:
        self._progress = progress
        self._read = progress.add_task("Reading, kB", total=size_bytes // 1_000)
        self._sent: TaskID | None = None
        self._judged: TaskID | None = None

    def read(self, position_bytes: int) -> None:
        self._progress.update(self._read, completed=position_bytes // 1_000)

    def grouping(self) -> None:
        self._progress.update(self._read, description="Read and grouped, kB")

    def sent(self, messages: int, done: bool = False) -> None:
        if self._sent is None:
            self._sent = self._progress.add_task("Sending", total=None)
        self._progress.update(self._sent, completed=messages, total=messages if done else None)

    def judged(self, messages: int, total: int) -> None:
        if self._judged is None:
            self._judged = self._progress.add_task("Verdicts of the gate", total=total)
        self._progress.update(self._judged, completed=messages)


def ingest(
    path: Path,
    assigned: Mapping[str, str],
    steps: Steps,
    *,
    kafka: KafkaSettings,
    settings: IngestSettings,
    spill: Path,
) -> ImportOutcome:
    """Sends what `path` holds and counts the gate's verdicts on it; events are grouped under `spill`. Raises
    SourceError, KafkaException, GateSilent, or StoreUnavailable where the disk does not hold the events."""
    reading = Reading(path, assigned, steps)
    require(kafka)
    ensure_topics(kafka)
    verdicts = Verdicts(kafka)
    try:
        sender = Sender(kafka)
        for count, message in enumerate(reading.messages(settings, spill), 1):
            sender.send(message)
            if count % 1_000 == 0:
                steps.sent(count)
        sender.flush()
        total = len(sender.places)
        steps.sent(total, done=True)
        verdicts.wait(sender.places, settings.patience_s, lambda seen: steps.judged(seen, total))
    except duckdb.Error as error:
        raise StoreUnavailable(f"The events could not be grouped: {error}") from error
    finally:
        verdicts.close()
    rejected: Counter[str] = verdicts.rejected.copy()
    if sender.too_large:
        rejected[Reason.TOO_LARGE.value] += sender.too_large
    return ImportOutcome(
        events=reading.events,
        sessions=verdicts.accepted + rejected.total(),
        accepted=verdicts.accepted,
        rejected=dict(sorted(rejected.items())),
    )


def run(path: Path, assigned: dict[str, str], as_json: bool) -> int:
    """Imports `path`, waits until all messages have their verdict, and prints {"events", "sessions",
    "accepted", "rejected": {reason: n}}. Gives an ExitCode."""

    def carry() -> int:
        assignment.check(assigned)
        with Progress(*_COLUMNS, console=Console(stderr=True)) as progress:
            outcome = ingest(
                path,
                assigned,
                Steps(progress, path.stat().st_size if path.is_file() else 0),
                kafka=KafkaSettings(),
                settings=IngestSettings(),
                spill=DataSettings().layout.import_spill,
            )
        if as_json:
            print(json.dumps(outcome._asdict()))
        else:
            print(f"{outcome.events} events in {outcome.sessions} sessions: {outcome.accepted} accepted")
            for reason, count in outcome.rejected.items():
                print(f"  {count} rejected: {reason}")
        return ExitCode.DONE

    return carried_out(carry, "The file was not imported whole")


def from_command_line(arguments: argparse.Namespace) -> int:
    """Carries out the command as it was parsed. Returns its exit code."""
    return run(arguments.file, dict(arguments.assigned), arguments.json)
