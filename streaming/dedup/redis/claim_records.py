"""Packs sessions for claim.lua. Pure."""

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from xxhash import xxh3_128_digest

from streaming.contract.horizon import Horizon, is_old
from streaming.contract.session import LIVE_FEED
from streaming.dedup.counters import (
    UNCOUNTED,
    Breakdown,
    CounterKey,
    Kept,
    breakdowns,
    counter_key,
    day_name,
    hour_name,
)
from streaming.dedup.port import ClaimRequest
from streaming.words.lists import Words

DIGEST_BYTES = 10
"""80 bits: among 100 million ids, the probability that any two collide is 4 in a thousand million."""
_RECORD = Struct(f">{DIGEST_BYTES}s{DIGEST_BYTES}sQHH")  # 10s cuts a longer digest
_FOUR_BREAKDOWNS = Struct(">4I")

Origin = tuple[int, str, int, bool]
"""Segment, feed, arrival and whether the session is old; all live sessions of a segment have the same one."""


class Packed(NamedTuple):
    """The arguments of claim.lua that depend on the sessions of a request (claim_script.py)."""

    records: bytes
    counter_keys: bytes
    origins: list[str | int]
    """Four arguments each: segment, feed ('' if live), arrival in ms, 1 if the session is old."""
    breakdowns: list[str | int]
    """Four arguments each: counter of the day (or ''), of the hour (or ''), expiry of the hour's counter and
    of the day's, in ms since 1970."""

    @property
    def origin_count(self) -> int:
        """The number of origins."""
        return len(self.origins) // 4


def user_digest(user_pseudonym: str) -> bytes:
    """Returns the digest that represents a user in filters, claims and HyperLogLogs. Pseudonyms are keyed, so
    nobody without their key can tell whose it is."""
    return xxh3_128_digest(user_pseudonym.encode())[:DIGEST_BYTES]


def pack(request: ClaimRequest, horizon: Horizon, kept: Kept, words: Words) -> Packed:
    """Packs the sessions of `request` in their order, with the counters of each."""
    counter_keys: dict[CounterKey, int] = {}
    origins: dict[Origin, int] = {}
    records: list[bytes] = []
    counter_key_number, origin_number = counter_keys.setdefault, origins.setdefault
    append, record, digest, segment_ms = records.append, _RECORD.pack, xxh3_128_digest, horizon.segment_ms
    for session, position, arrived in zip(
        request.sessions, request.positions, request.arrived_ms, strict=True
    ):
        feed = session.feed
        if feed == LIVE_FEED:
            origin: Origin = (arrived // segment_ms, "", 0, False)
        else:
            origin = (arrived // segment_ms, feed, arrived, is_old(session, arrived, horizon.horizon_ms))
        append(
            record(
                digest(session.session_pseudonym.encode()),
                digest(session.user_pseudonym.encode()),
                position,
                counter_key_number(counter_key(session, arrived, kept, words), len(counter_keys)),
                origin_number(origin, len(origins)),
            )
        )
    numbers: dict[Breakdown, int] = {}
    packed_counter_keys = b"".join(
        _FOUR_BREAKDOWNS.pack(*(numbers.setdefault(breakdown, len(numbers)) for breakdown in breakdowns(at)))
        for at in counter_keys
    )
    return Packed(
        b"".join(records),
        packed_counter_keys,
        [word for at in origins for word in (at[0], at[1], at[2], int(at[3]))],
        list(_words(numbers, kept)),
    )


def _words(of: dict[Breakdown, int], kept: Kept) -> Iterator[str | int]:
    for hour, hourly, dimension, value in of:
        if hour == UNCOUNTED:
            yield from ("", "", 0, 0)
            continue
        yield day_name(hour // 24, dimension, value)
        yield hour_name(hour, dimension, value) if hourly else ""
        yield kept.hour_ends_ms(hour)
        yield kept.day_ends_ms(hour // 24)
