"""Bounds the counters of an earlier release: those of its days never expired, and its words were from no
list.

Those that should be gone already are kept a while longer, so that somebody who wants them can raise how long
counters are kept.
"""

import logging
import time
from itertools import islice
from typing import Any

from streaming.contract.time_units import DAY_MS
from streaming.dedup.counters import Kept, parsed_name
from streaming.dedup.redis.patterns import literal
from streaming.words.lists import Words

_CHUNK = 1_000
_NEVER = -1
_log = logging.getLogger(__name__)


def bound(redis: Any, prefix: bytes, kept: Kept, words: Words, overdue_kept_ms: int) -> None:
    """Gives every counter below `prefix` that never expires its expiry, and adds each whose word is not on
    its list to that of the bounded word. Repeated, or in several gates at once, it changes nothing more,
    unless `kept` was raised: then counters expire later. Logs how many are overdue."""
    lists, now_ms, overdue = words.by_dimension, time.time_ns() // 1_000_000, 0
    found = redis.scan_iter(match=literal(prefix) + b"*", count=10_000)
    while keys := list(islice(found, _CHUNK)):
        with redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.pttl(key)
            expiries = pipeline.execute()
        with redis.pipeline(transaction=False) as pipeline:
            for key, expires_ms in zip(keys, expiries, strict=True):
                of = parsed_name(key[len(prefix) :].decode(errors="replace"))
                if of is None:  # the counter of all users
                    continue
                hour, hourly, dimension, value = of
                word = lists[dimension].bounded(value) if dimension else value
                bounded = key.removesuffix(value.encode()) + word.encode() if dimension else key
                if word != value:
                    pipeline.pfmerge(bounded, key)
                    pipeline.unlink(key)
                ends_ms = kept.hour_ends_ms(hour) if hourly else kept.day_ends_ms(hour // 24)
                now_expires_ms = _NEVER if word != value else expires_ms
                if (at_ms := expiry_ms(now_ms, now_expires_ms, ends_ms, overdue_kept_ms)) is not None:
                    pipeline.pexpireat(bounded, at_ms)
                    overdue += ends_ms <= now_ms
            pipeline.execute()
    if overdue:
        _log.warning(
            "%d counters of distinct users of an earlier release are of days longer ago than "
            "VITRINE_GATE_DAYS_KEPT_MS; they are dropped in %.1f days, unless you raise it and start "
            "the gate again before",
            overdue,
            overdue_kept_ms / DAY_MS,
        )


def expiry_ms(now_ms: int, expires_ms: int, ends_ms: int, overdue_kept_ms: int) -> int | None:
    """Returns when a counter that expires in `expires_ms` (-1: never) is to be dropped, though by the
    settings it should be at `ends_ms`; None if its expiry is right."""
    if expires_ms == _NEVER:
        return ends_ms if ends_ms > now_ms else now_ms + overdue_kept_ms
    return ends_ms if ends_ms > now_ms + expires_ms else None
