"""`python -m lab.benchmarks.distinct`: estimates distinct users of random periods and breakdowns within a
year.

A year of sessions is claimed with the gate's code; some users come back often, most rarely. Then distinct
users of periods from an hour to a year, in all and by country, device and referrer, are estimated as
`./vitrine distinct` does, and compared with exact counts. Queries for a whole year, ending at random moments
of the last day, are timed. Prints one JSON object.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from lab import own_redis
from lab.benchmarks.sessions import valid_sessions
from streaming.contract.period import Window
from streaming.contract.session import Visit
from streaming.contract.time_units import DAY_MS, HOUR_MS
from streaming.dedup.port import ClaimRequest, Generation, LogProgress, RawPosition
from streaming.dedup.redis.store import RedisDedupStore
from streaming.distinct.plan import CounterPlan, counters, plan
from streaming.distinct.redis_counters import RedisDistinct
from streaming.gate.settings import GateSettings

_BATCH = 5_000
_DAYS = 365
_FIELDS = ("", "country", "device", "referrer")


class Year:
    """The claimed sessions as columns: time, user, and index of the session in `places` that has the other
    fields."""

    def __init__(self, count: int, users: int, now_ms: int) -> None:
        random = np.random.default_rng(9)
        begin_ms = now_ms - _DAYS * DAY_MS
        self.at_ms: NDArray[np.int64] = np.sort(random.integers(begin_ms, now_ms, count))
        self.user: NDArray[np.int64] = (random.random(count) ** 2 * users).astype(np.int64)
        self.places = list(valid_sessions(2_000))
        self.place: NDArray[np.int64] = random.integers(0, len(self.places), count)

    def value(self, dimension: str, place: int) -> str:
        """Returns the value of a breakdown at a place; empty for all."""
        session = self.places[place]
        return {
            "": "",
            "country": session.country,
            "device": session.device_type,
            "referrer": session.referrer,
        }[dimension]

    def exact(self, counted: Window, dimension: str, value: str) -> int:
        """Returns the exact number of distinct users of the period and breakdown."""
        first, end = np.searchsorted(self.at_ms, (counted.from_ms, counted.to_ms))
        users, places = self.user[first:end], self.place[first:end]
        there = np.array([self.value(dimension, place) == value for place in range(len(self.places))])
        return len(np.unique(users[there[places]]))


def main() -> int:
    """Runs the benchmark of the command line. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=600_000, help="sessions of the year")
    parser.add_argument("--users", type=int, default=200_000, help="number of users")
    parser.add_argument("--periods", type=int, default=1_000, help="periods to compare with exact counts")
    parser.add_argument("--queries", type=int, default=300, help="queries of the whole year to time")
    options = parser.parse_args()
    gate, now_ms = GateSettings(), time.time_ns() // 1_000_000
    year = Year(options.sessions, options.users, now_ms)
    with own_redis.in_memory() as settings:
        _claim(RedisDedupStore(settings, gate), gate, year)
        store, rng, since_ms = RedisDistinct(settings), Random(4), now_ms - gate.hours_kept_ms
        errors, sizes = [], []
        for number in range(options.periods):
            dimension = _FIELDS[number % len(_FIELDS)]
            value = year.value(dimension, rng.randrange(len(year.places)))
            chosen = plan(_period(rng, now_ms), since_ms)
            exact = year.exact(chosen.counted, dimension, value)
            estimate = store.count(counters(chosen, dimension, value))
            errors.append(abs(estimate - exact) / max(exact, 1))
            sizes.append(exact)
        took_ms = [_timed(store, plan(_year(rng, now_ms), since_ms)) for _ in range(options.queries)]
    result: dict[str, Any] = {
        "sessions": options.sessions,
        "users": len(np.unique(year.user)),
        "periods": len(errors),
        "users_of_a_period": {"median": statistics.median(sizes), "largest": max(sizes)},
        "error": {"p50": _at(errors, 0.5, 4), "p99": _at(errors, 0.99, 4), "largest": round(max(errors), 4)},
        "within_2.5_percent": round(sum(error <= 0.025 for error in errors) / len(errors), 4),
        "year_ms": {"p50": _at(took_ms, 0.5, 1), "p95": _at(took_ms, 0.95, 1)},
    }
    print(json.dumps(result))
    return 0


def _claim(seen: RedisDedupStore, gate: GateSettings, year: Year) -> None:
    nothing_yet = LogProgress("log", offsets={}, arrived_ms={}, low_watermark_ms=0, begins_ms=0)
    generation = Generation("year")
    seen.start_rebuild(generation, nothing_yet)
    seen.finish_rebuild(generation, nothing_yet)
    seen.trust(seen.incarnation())
    count = len(year.at_ms)
    for begin in range(0, count, _BATCH):
        rows = range(begin, min(begin + _BATCH, count))
        arrived_ms = year.at_ms[begin : begin + _BATCH].tolist()
        sessions: list[Visit] = [
            replace(
                year.places[year.place[row]],
                session_pseudonym=f"s{row}",
                user_pseudonym=f"u{year.user[row]}",
                event_time_ms=at_ms,
            )
            for row, at_ms in zip(rows, arrived_ms, strict=True)
        ]
        seen.claim(ClaimRequest(generation, sessions, [RawPosition(row) for row in rows], arrived_ms))
        seen.forget_before(generation, arrived_ms[0])
        if begin % (20 * _BATCH) == 0:
            print(f"{begin:,} of {count:,} sessions claimed", file=sys.stderr, flush=True)


def _period(rng: Random, now_ms: int) -> Window:
    """Returns a random period from an hour to a year; all orders of magnitude are equally frequent."""
    length_ms = int(HOUR_MS * (_DAYS * 24) ** rng.random())
    end_ms = now_ms - rng.randrange(_DAYS * DAY_MS - length_ms + 1)
    return Window(end_ms - length_ms, end_ms)


def _year(rng: Random, now_ms: int) -> Window:
    end_ms = now_ms - rng.randrange(DAY_MS)
    return Window(end_ms - _DAYS * DAY_MS, end_ms)


def _timed(store: RedisDistinct, chosen: CounterPlan) -> float:
    names = counters(chosen)
    started = time.perf_counter()
    store.count(names)
    return (time.perf_counter() - started) * 1_000


def _at(values: Sequence[float], share: float, digits: int) -> float:
    return round(float(np.quantile(values, share)), digits)


if __name__ == "__main__":
    sys.exit(main())
