"""`./vitrine distinct`."""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

from streaming.command_failure import carried_out
from streaming.contract.period import period
from streaming.contract.time_units import DAY_MS
from streaming.contract.visible import visible
from streaming.dedup.counters import DIMENSIONS
from streaming.distinct.plan import CounterPlan, counters, plan
from streaming.distinct.recount import recount
from streaming.distinct.redis_counters import STANDARD_ERROR, RedisDistinct
from streaming.gate.settings import GateSettings
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.retention.record import MongoRecord
from streaming.settings import MongoSettings, RedisSettings
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.stores import StoreUnavailable
from streaming.words.lists import OTHER, Words
from streaming.words.spelling import folded

_SETTING = {"country": "COUNTRIES", "device": "DEVICES", "referrer": "REFERRERS"}


def run(arguments: argparse.Namespace) -> int:
    """Prints the estimate. Returns an ExitCode."""
    return carried_out(partial(_estimate, arguments), "The users could not be counted")


def _estimate(arguments: argparse.Namespace) -> int:
    try:
        window = period(arguments.start, arguments.end)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    assert window is not None  # both ends are required
    settings = GateSettings()
    kept, words = settings.kept, settings.words
    store = RedisDistinct(RedisSettings())
    if arguments.recount:
        expired_ms = MongoRecord(MongoSettings()).boundaries().sessions_ms
        added = recount(MongoSessions(MongoSettings()).scan(), store, kept, words, expired_ms)
        print(f"counted {added} sessions of MongoDB", file=sys.stderr)
    now_ms = time.time_ns() // 1_000_000
    chosen = plan(window, now_ms - kept.hours_ms)
    dimension, value = _breakdown(arguments, words)
    users = store.count(counters(chosen, dimension, value))
    since_ms = store.whole_since_ms()
    if since_ms is None:
        raise StoreUnavailable("no gate has counted any users yet")
    days_since_ms = -(-(now_ms - kept.days_ms) // DAY_MS) * DAY_MS
    answer = _answer(users, chosen, {dimension: value} if dimension else None, since_ms, days_since_ms)
    print(visible(json.dumps(answer, ensure_ascii=False)) if arguments.json else _text(answer))
    return ExitCode.DONE


def _breakdown(arguments: argparse.Namespace, words: Words) -> tuple[str, str]:
    for dimension in DIMENSIONS:
        asked: str | None = getattr(arguments, dimension)
        if asked is not None:
            counted = words.by_dimension[dimension].bounded(asked)
            if counted == OTHER != folded(asked):
                print(
                    visible(f"{asked} is on no list and counts as {OTHER}, together with all such words; ")
                    + f"VITRINE_WORDS_{_SETTING[dimension]} can name it for sessions that come from now on",
                    file=sys.stderr,
                )
            return dimension, counted
    return "", ""


def _answer(
    users: int, chosen: CounterPlan, breakdown: dict[str, str] | None, since_ms: int, days_since_ms: int
) -> dict[str, Any]:
    return {
        "users": users,
        "from": _moment(chosen.counted.from_ms),
        "to": _moment(chosen.counted.to_ms),
        "cut": breakdown,
        "whole_since": _moment(since_ms) if since_ms else None,
        "days_since": _moment(days_since_ms) if chosen.counted.from_ms < days_since_ms else None,
        "standard_error": STANDARD_ERROR,
    }


def _text(answer: dict[str, Any]) -> str:
    cut = "".join(f", {dimension} {value}" for dimension, value in (answer["cut"] or {}).items())
    text = f"about {answer['users']} users from {answer['from']} to {answer['to']}{visible(cut)}"
    if answer["whole_since"]:
        text += (
            f"\nSessions that arrived before {answer['whole_since']} may be missing: Redis has lost its "
            "counters, and the log does not reach further back. --recount adds the sessions that MongoDB "
            "still has."
        )
    if answer["days_since"]:
        text += (
            f"\nDays before {answer['days_since']} are no longer counted. To count them from the sessions in "
            "MongoDB, raise VITRINE_GATE_DAYS_KEPT_MS and use --recount."
        )
    return text


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="minutes")
