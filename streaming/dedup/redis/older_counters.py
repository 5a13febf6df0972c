"""Bounds the counters of an earlier release: those of its days never expired, and its words were from no
list."""

from itertools import islice
from typing import Any

from streaming.dedup.counters import Kept, parsed_name
from streaming.dedup.redis.patterns import literal
from streaming.words.lists import Words

_CHUNK = 1_000


def bound(redis: Any, prefix: bytes, kept: Kept, words: Words) -> None:
    """Gives every counter below `prefix` that never expires its expiry, and adds each whose word is not on
    its list to that of the bounded word. Repeated, or in several gates at once, it changes nothing more."""
    lists = words.by_dimension
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
                if word != value or expires_ms == -1:
                    at_ms = kept.hour_ends_ms(hour) if hourly else kept.day_ends_ms(hour // 24)
                    pipeline.pexpireat(bounded, at_ms)
            pipeline.execute()
