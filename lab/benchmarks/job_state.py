"""`python -m lab.benchmarks.job_state`: memory and disk of the Flink job by the number of its keys.

Sends sessions of products that no session had before, step by step, and after each step waits until all
totals are written; then collects the TaskManager's garbage (jcmd, of the JDK) and reads its live heap, its
resident memory, the newest checkpoint, and the disk that state and checkpoints take. A year is extrapolated
from the last two steps, with the keys that the demo's shop makes. Needs kafka and flink-taskmanager up, on
this machine; the backend is that of VITRINE_FLINK_STATE_BACKEND. Prints one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka.admin import AdminClient

from lab.benchmarks.sessions import valid_sessions
from streaming.contract import topics
from streaming.contract.valid_session import ValidSession, encode
from streaming.flink import cluster as flink
from streaming.kafka.clients import consumer, ensure_topics, name, producer, properties
from streaming.kafka.partitions import end_offsets
from streaming.kafka.produce import produce
from streaming.settings import KafkaSettings
from streaming.summaries import submitter

SESSION_PRODUCTS = 100
DEMO_KEYS_A_YEAR = 240 * 24 * 365
"""The demo's shop has 228 products in 12 categories, and every hour makes a total of each."""
DEADLINE_S = 600.0


def sessions_of_new_products(count: int) -> Iterator[ValidSession]:
    """Yields sessions with `count` products in all, none of which occurs twice, of a year's hours."""
    like = next(valid_sessions(1, late_rate=0))
    for number, first in enumerate(range(0, count, SESSION_PRODUCTS)):
        products = range(first, first + SESSION_PRODUCTS)
        yield msgspec.structs.replace(
            like,
            session_pseudonym=f"state-{number}",
            event_time_ms=like.event_time_ms - number % 8_760 * 3_600_000,
            product_ids=[f"product-{product:09d}" for product in products],
            product_names=[f"A product named {product:09d}" for product in products],
            product_prices=[19.99] * len(products),
            product_categories=["sofas"] * len(products),
            actions=["view"] * len(products),
            reviews=[],
        )


def _task_manager() -> int:
    """Returns the process id of this checkout's TaskManager."""
    here = os.environ["FLINK_CONF_DIR"]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text()
        except OSError:
            continue
        if "TaskManagerRunner" in command and here in command:
            return int(process.name)
    raise SystemExit("no TaskManager of this checkout runs: ./vitrine up flink-taskmanager")


def _heap_bytes(pid: int) -> int:
    """Returns the live heap: what a collection leaves."""
    subprocess.run(["jcmd", str(pid), "GC.run"], check=True, stdout=subprocess.DEVNULL)
    told = subprocess.run(
        ["jcmd", str(pid), "GC.heap_info"], check=True, capture_output=True, text=True
    ).stdout
    used = [word for word, before in zip(told.split()[1:], told.split(), strict=False) if before == "used"]
    return int(used[0].rstrip(",K")) * 1024


def _resident_bytes(pid: int) -> int:
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmRSS" in line]
    return int(line.split()[1]) * 1024


def _disk_bytes(*folders: Path) -> int:
    done = subprocess.run(["du", "-sb", *map(str, folders)], check=False, capture_output=True, text=True)
    return sum(int(line.split()[0]) for line in done.stdout.splitlines())


def _written(kafka: KafkaSettings, keys: int) -> None:
    """Waits until `product_activity` has at least `keys` records."""
    client, deadline = consumer(kafka, "bench"), time.monotonic() + DEADLINE_S
    while sum(end_offsets(client, name(kafka, topics.PRODUCT_ACTIVITY)).values()) < keys:
        if time.monotonic() > deadline:
            raise SystemExit(f"the job did not write {keys:,} totals: see its log and Flink's page")
        time.sleep(0.5)
    client.close()


def _measured(cluster: flink.FlinkSettings, job: str, checkpoints: Path, working: Path) -> dict[str, Any]:
    pid = _task_manager()
    with flink.client(cluster) as rest:
        latest = rest.get(f"/jobs/{job}/checkpoints").raise_for_status().json()["latest"]["completed"]
    return {
        "heap_bytes": _heap_bytes(pid),
        "resident_bytes": _resident_bytes(pid),
        "checkpoint_ms": latest["end_to_end_duration"],
        "checkpoint_bytes": latest["state_size"],
        "checkpoint_disk_bytes": _disk_bytes(checkpoints),
        "working_disk_bytes": _disk_bytes(working),
    }


def main() -> int:
    """Runs the benchmark of the command line. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, nargs="+", default=[100_000, 200_000, 400_000, 800_000])
    chosen = parser.parse_args()
    kafka = KafkaSettings(topic_prefix=f"bench-state-{uuid.uuid4().hex[:8]}-")
    cluster, client, steps = flink.FlinkSettings(), producer(kafka), []
    ensure_topics(kafka)
    waiting = sessions_of_new_products(max(chosen.keys))
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "VITRINE_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
            "VITRINE_FLINK_CHECKPOINT_DIR": Path(folder).as_uri(),
        }
        working = Path(os.environ["FLINK_CONF_DIR"]).parents[2] / "stores" / "flink" / "working"
        job = flink.run(cluster, submitter.JOB, environment)
        try:
            sent = 0
            for keys in chosen.keys:
                while sent < keys:
                    produce(client, name(kafka, topics.VALID), encode(next(waiting)), b"key")
                    sent += SESSION_PRODUCTS
                client.flush()
                _written(kafka, keys)
                time.sleep(5)  # several checkpoints
                steps.append({"keys": keys} | _measured(cluster, job, Path(folder), working))
                print(steps[-1], file=sys.stderr, flush=True)
        finally:
            flink.cancel(cluster, job)
            admin = AdminClient(properties(kafka))
            own = [topic for topic in admin.list_topics().topics if topic.startswith(kafka.topic_prefix)]
            for outcome in admin.delete_topics(own).values():
                outcome.result()
    print(json.dumps({"steps": steps, "a_year": _a_year(steps)}))
    return 0


def _a_year(steps: list[dict[str, Any]]) -> dict[str, float]:
    """Returns each figure after a year of the demo's shop, on the line through the last two steps."""
    before, last = steps[-2:] if len(steps) > 1 else (steps[0], steps[0])
    more = max(last["keys"] - before["keys"], 1)
    return {"keys": DEMO_KEYS_A_YEAR} | {
        figure: round(
            last[figure] + (last[figure] - before[figure]) / more * (DEMO_KEYS_A_YEAR - last["keys"])
        )
        for figure in last
        if figure.endswith("_bytes")
    }


if __name__ == "__main__":
    sys.exit(main())
