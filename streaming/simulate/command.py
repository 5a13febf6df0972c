"""Sends simulated traffic to the raw topic: `python -m streaming.simulate`, also `./vitrine simulate`."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import KafkaException
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from streaming.command_failure import carried_out
from streaming.contract import topics
from streaming.contract.time_units import DAY_MS
from streaming.data_folder import atomic_file
from streaming.kafka.clients import ensure_topics, name, producer, require
from streaming.kafka.produce import produce
from streaming.process.exit_code import ExitCode
from streaming.settings import DataSettings, KafkaSettings
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import KINDS, traffic

FLUSH_TIMEOUT_S = 120.0
SESSIONS_PER_USER = 5


def settings_for(
    sessions: int, seed: int, rate_per_s: float | None, now_ms: int, ended_at_ms: int
) -> TrafficSettings:
    """Returns settings for traffic of the last day; if the last run ended within it, at `ended_at_ms`, only
    for the time since then, so that its sessions are not late. With a rate: for steady traffic from now
    on."""
    if rate_per_s:
        start_ms, span_s = now_ms, max(sessions, 1) / rate_per_s
    else:
        start_ms = min(max(now_ms - DAY_MS, ended_at_ms), now_ms - 1_000)
        span_s = (now_ms - start_ms) / 1000
    return TrafficSettings(
        sessions=sessions,
        seed=seed,
        users=max(500, sessions // SESSIONS_PER_USER),
        start_ms=start_ms,
        span_s=span_s,
        steady=rate_per_s is not None,
    )


def send(
    kafka: KafkaSettings,
    settings: TrafficSettings,
    *,
    paced: bool,
    sent: Callable[[int], None] = lambda _: None,
) -> Counter[str]:
    """Sends the traffic and returns the number of messages by kind. With `paced`, waits until each is due.
    Calls `sent` with 1,000 after every thousand. Raises KafkaException if the broker does not accept them."""
    client = producer(kafka)
    topic = name(kafka, topics.RAW)
    kinds: Counter[str] = Counter()
    failures: list[KafkaException] = []

    def delivered(error: object, _: object) -> None:
        if error is not None:
            failures.append(KafkaException(error))

    for count, message in enumerate(traffic(settings), 1):
        if paced:
            while (ahead_s := message.due_ms / 1000 - time.time()) > 0:
                client.poll(min(ahead_s, 0.1))
        produce(client, topic, message.value, message.key, on_delivery=delivered)
        kinds[message.kind] += 1
        if paced or count % 1_000 == 0:
            client.poll(0)
        if count % 1_000 == 0:
            sent(1_000)
        if failures:
            raise failures[0]
    left = client.flush(FLUSH_TIMEOUT_S)
    if failures or left:
        raise (
            failures[0]
            if failures
            else KafkaException(f"the broker has not accepted {left} messages in {FLUSH_TIMEOUT_S:.0f} s")
        )
    return kinds


def run(sessions: int, seed: int, rate_per_s: float | None = None, as_json: bool = False) -> int:
    """Sends `sessions` sessions, as fast as possible or at a steady rate, and prints the counts
    {"sent", "valid", "late", "unknown_device", "unknown_referrer", "broken", "no_consent",
    "duplicate"}. Returns an
    ExitCode."""

    def simulate() -> int:
        console = Console(stderr=True)
        kinds = _sent(sessions, seed, rate_per_s, console)
        counts: dict[str, int] = {"sent": kinds.total()}
        counts.update((kind, kinds[kind]) for kind in KINDS)
        if as_json:
            print(json.dumps(counts))
        else:
            console.print(", ".join(f"{kind} {count}" for kind, count in counts.items()))
        return ExitCode.DONE

    return carried_out(simulate, "The sessions were not sent")


def from_command_line(arguments: argparse.Namespace) -> int:
    """Runs the command with parsed arguments. Returns its exit code."""
    return run(arguments.sessions, arguments.seed, arguments.rate, arguments.json)


def _sent(sessions: int, seed: int, rate_per_s: float | None, console: Console) -> Counter[str]:
    """Sends the traffic with a progress bar. Raises KafkaException."""
    kafka = KafkaSettings()
    progress_file = DataSettings().layout.simulated_until(kafka.topic_prefix)
    require(kafka)
    ensure_topics(kafka)
    settings = settings_for(sessions, seed, rate_per_s, _now_ms(), _read_end(progress_file))
    # Before sending: after a crash in the middle, the sessions of the next run must not be late.
    _write_end(progress_file, settings.start_ms + round(settings.span_s * 1000))
    columns = (TextColumn("Sending sessions"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("send", total=sessions)
        kinds = send(kafka, settings, paced=rate_per_s is not None, sent=lambda n: progress.advance(bar, n))
        progress.update(bar, completed=sessions)
    return kinds


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _read_end(path: Path) -> int:
    try:
        return int(json.loads(path.read_text())["ended_at_ms"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _write_end(path: Path, ended_at_ms: int) -> None:
    atomic_file.write(path, json.dumps({"ended_at_ms": ended_at_ms}).encode())


def main() -> int:
    """`python -m streaming.simulate SESSIONS [SEED [RATE]]`."""
    sessions, seed, rate, *_ = [*sys.argv[1:], *("1000", "1", "0")[len(sys.argv) - 1 :]]
    return run(int(sessions), int(seed), float(rate) or None, as_json=True)
