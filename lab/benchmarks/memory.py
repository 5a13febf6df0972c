"""`python -m lab.benchmarks.memory`: memory of Redis for a number of users and sessions within the horizon.

Sessions of random users are claimed, segment by segment, with the gate's code. `used_memory` is read when the
horizon is full, and after one more segment, just before the oldest is dropped, which is the peak. The filters
are sized for the given numbers. The memory for 10 million users and 100 million sessions is extrapolated:
claims and filters are proportional to sessions and users, because the buckets have a fixed size; the counters
(HyperLogLogs) depend on neither. Prints one JSON object.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

from msgspec.structs import replace

from lab import own_redis
from lab.benchmarks.sessions import valid_sessions
from streaming.contract.session import Visit
from streaming.contract.time_units import DAY_MS
from streaming.dedup.port import ClaimRequest, Generation, LogProgress, RawPosition
from streaming.dedup.redis import connection
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.settings import GateSettings
from streaming.stores import StoreUnavailable

_BATCH = 5_000
_GENERATION = Generation("one")
_EXTRAPOLATED_TO = {"users": 10_000_000, "sessions": 100_000_000}


def main() -> int:
    """Runs the benchmark of the command line. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000, help="distinct users")
    parser.add_argument("--sessions", type=int, default=10_000_000, help="sessions within one horizon")
    options = parser.parse_args()
    gate = GateSettings(
        session_capacity=options.sessions,
        user_capacity=options.users,
        hours_kept_ms=365 * DAY_MS,
        days_kept_ms=3_650 * DAY_MS,
    )
    with own_redis.in_memory() as settings:
        client: Any = connection.client(settings)
        seen = RedisDedupStore(settings, gate)
        nothing_yet = LogProgress("log", offsets={}, arrived_ms={}, low_watermark_ms=0, begins_ms=0)
        seen.start_rebuild(_GENERATION, nothing_yet)
        seen.finish_rebuild(_GENERATION, nothing_yet)
        seen.trust(seen.incarnation())
        empty_bytes, started = client.info("memory")["used_memory"], time.monotonic()
        a_segment = options.sessions // gate.horizon_segments
        at_horizon_bytes = 0
        for segment in range(gate.horizon_segments + 1):
            _claim(seen, gate, segment, a_segment, options.users)
            used_bytes = client.info("memory")["used_memory"] - empty_bytes
            if segment == gate.horizon_segments - 1:
                at_horizon_bytes = used_bytes
            _tell(
                f"{segment + 1} segments: {used_bytes / 2**20:,.0f} MiB, {time.monotonic() - started:.0f} s"
            )
        counters_bytes = sum(client.memory_usage(key) for key in client.scan_iter("*:users:*", count=10_000))
        fills = seen.filter_fill()
        result = {
            "users": options.users,
            "sessions": options.sessions,
            "horizon_bytes": at_horizon_bytes,
            "peak_bytes": used_bytes,
            "peak_resident_bytes": client.info("memory")["used_memory_rss"],
            "of_which_filters_bytes": sum(fill.size_bytes for fill in fills),
            "of_which_counters_bytes": counters_bytes,
            "fullest_filter": max(round(fill.items / fill.capacity, 3) for fill in fills),
            "claims_per_s": round(a_segment * (gate.horizon_segments + 1) / (time.monotonic() - started)),
            "extrapolated": _extrapolated(options, at_horizon_bytes, used_bytes, counters_bytes),
        }
    print(json.dumps(result))
    return 0


def _claim(seen: RedisDedupStore, gate: GateSettings, segment: int, count: int, users: int) -> None:
    """Claims `count` sessions that arrive evenly over one segment."""
    rng, places = Random(segment), list(valid_sessions(1_000))
    segment_ms = gate.horizon.segment_ms
    begin_ms = (1_700_000_000_000 // segment_ms + segment) * segment_ms
    for done in range(0, count, _BATCH):
        size = min(_BATCH, count - done)
        arrived_ms = [begin_ms + (done + i) * segment_ms // count for i in range(size)]
        sessions: list[Visit] = [
            replace(
                places[rng.randrange(1_000)],
                session_pseudonym=f"s{segment}-{done + i:012d}",
                user_pseudonym=f"u{rng.randrange(users):09d}",
                event_time_ms=at_ms,
            )
            for i, at_ms in enumerate(arrived_ms)
        ]
        first = segment * count + done
        positions = [RawPosition(first + i) for i in range(size)]
        request = ClaimRequest(_GENERATION, sessions, positions, arrived_ms)
        _insist(lambda: seen.claim(request))  # noqa: B023


def _insist(claim: Callable[[], object]) -> None:
    """Repeats `claim` until it succeeds: on a busy machine, Redis may answer later than a gate would wait."""
    while True:
        with suppress(StoreUnavailable):
            claim()
            return


def _extrapolated(
    options: argparse.Namespace, horizon_bytes: int, peak_bytes: int, counters_bytes: int
) -> dict[str, int] | None:
    """Returns the memory for _EXTRAPOLATED_TO; None if users and sessions are different fractions of it."""
    factors = {_EXTRAPOLATED_TO[name] / getattr(options, name) for name in _EXTRAPOLATED_TO}
    if len(factors) > 1:
        return None
    factor: float = factors.pop()

    def whole(measured_bytes: int) -> int:
        return round((measured_bytes - counters_bytes) * factor) + counters_bytes

    return {**_EXTRAPOLATED_TO, "horizon_bytes": whole(horizon_bytes), "peak_bytes": whole(peak_bytes)}


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
