"""`python -m lab.benchmarks.bounds`: what a year of the demo's traffic costs Redis, and a visitor who does
their worst for a day.

On a Redis of its own, with the gate's code and its default settings: one simulated day is claimed and
extrapolated to a year (claims within the horizon and one segment more, and the counters of all days and hours
kept). Then a visitor sends sessions with new words in each, and sessions with all words on the lists, spread
over the horizon. Prints one JSON object.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from itertools import islice
from random import Random
from typing import Any

from msgspec.structs import replace

from lab import own_redis
from lab.benchmarks.sessions import admitted
from streaming.contract.session import Visit
from streaming.contract.time_units import DAY_MS, HOUR_MS
from streaming.contract.valid_session import StoredSession
from streaming.dedup.port import ClaimRequest, Generation, LogProgress, RawPosition
from streaming.dedup.redis import connection
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.settings import GateSettings
from streaming.simulate.settings import TrafficSettings

_BATCH = 5_000
_GENERATION = Generation("one")


def main() -> int:
    """Runs the benchmark of the command line. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=20_000, help="sessions of a day")
    parser.add_argument("--odd", type=int, default=100_000, help="sessions of the visitor, of each kind")
    options = parser.parse_args()
    gate, now_ms = GateSettings(), time.time_ns() // 1_000_000
    with own_redis.in_memory() as settings:
        client: Any = connection.client(settings)
        seen = RedisDedupStore(settings, gate)
        nothing_yet = LogProgress("log", offsets={}, arrived_ms={}, low_watermark_ms=0, begins_ms=0)
        seen.start_rebuild(_GENERATION, nothing_yet)
        seen.finish_rebuild(_GENERATION, nothing_yet)
        seen.trust(seen.incarnation())
        day_ms = now_ms // DAY_MS * DAY_MS - DAY_MS
        day = _simulated(options.sessions, day_ms)
        _claim(seen, day[:1], 0, now_ms)
        before = _size(client)
        _claim(seen, day, 0, now_ms)
        after = _size(client)
        counters = {"day": 0, "hour": 0}
        for key in client.scan_iter("*{gate}:users:2*", count=10_000):
            name = key.rpartition(b"users:")[2].decode()
            counters["hour" if "T" in name.partition(":")[0] else "day"] += client.memory_usage(key)
        # Everything that is not a counter is a claim, in buckets that exist already in a horizon.
        claims_bytes = after["bytes"] - before["bytes"] - sum(counters.values())
        horizon_days = gate.horizon_ms / DAY_MS * (1 + 1 / gate.horizon_segments)
        filters_bytes = sum(fill.size_bytes for fill in seen.filter_fill()) * (gate.horizon_segments + 1)
        year_bytes = round(
            filters_bytes
            + horizon_days * claims_bytes
            + gate.days_kept_ms / DAY_MS * counters["day"]
            + gate.hours_kept_ms / DAY_MS * counters["hour"]
        )
        odd = _costs(client, seen, _odd(day[0], options.odd, now_ms), 10**9, now_ms)
        listed = _costs(client, seen, _listed(day[0], options.odd, gate, now_ms), 2 * 10**9, now_ms)
    result = {
        "sessions_a_day": options.sessions,
        "claims_bytes_a_day": claims_bytes,
        "counters_bytes_a_day": counters,
        "year_bytes": year_bytes,
        "odd_words": odd,
        "all_words_on_the_lists": listed,
    }
    print(json.dumps(result))
    return 0


def _simulated(count: int, begin_ms: int) -> list[StoredSession]:
    settings = TrafficSettings.model_validate({"sessions": count, "start_ms": begin_ms})
    day = islice(admitted(settings), count)
    return [replace(session, event_time_ms=begin_ms + session.event_time_ms % DAY_MS) for session in day]


def _odd(like: StoredSession, count: int, now_ms: int) -> list[StoredSession]:
    """Each with a new country, device and referrer."""
    return [
        replace(
            like,
            session_pseudonym=f"odd-{n}",
            user_pseudonym=f"odd-{n}",
            country=f"c{n}",
            device_type=f"d{n}",
            referrer=f"https://r{n}.example.com/",
            event_time_ms=now_ms,
        )
        for n in range(count)
    ]


def _listed(like: StoredSession, count: int, gate: GateSettings, now_ms: int) -> list[StoredSession]:
    """With words from the lists, at any hour that the gate accepts."""
    rng, lists = Random(1), [sorted(one.words - {"unknown"}) for one in gate.words.by_dimension.values()]
    made = []
    for n in range(count):
        country, device, referrer = (rng.choice(words) for words in lists)
        made.append(
            replace(
                like,
                session_pseudonym=f"listed-{n}",
                user_pseudonym=f"listed-{n}",
                country=country,
                device_type=device,
                referrer=referrer,
                event_time_ms=now_ms - rng.randrange(gate.horizon_ms - HOUR_MS),
            )
        )
    return made


def _costs(
    client: Any, seen: RedisDedupStore, sessions: Sequence[Visit], first: int, now_ms: int
) -> dict[str, int]:
    """Claims `sessions`; returns what that adds to Redis."""

    def counters() -> int:
        return sum(1 for _ in client.scan_iter("*{gate}:users:2*", count=10_000))

    before, counted = _size(client), counters()
    _claim(seen, sessions, first, now_ms)
    added = {name: size - before[name] for name, size in _size(client).items()}
    return {"sessions": len(sessions), "counters": counters() - counted} | added


def _size(client: Any) -> dict[str, int]:
    return {"bytes": client.info("memory")["used_memory"], "keys": client.dbsize()}


def _claim(seen: RedisDedupStore, sessions: Sequence[Visit], first: int, now_ms: int) -> None:
    rest, done = iter(sessions), first
    while batch := list(islice(rest, _BATCH)):
        positions = [RawPosition(done + n) for n in range(len(batch))]
        seen.claim(ClaimRequest(_GENERATION, batch, positions, [now_ms] * len(batch)))
        done += len(batch)


if __name__ == "__main__":
    sys.exit(main())
