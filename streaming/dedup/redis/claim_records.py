"""Sessions as claim.lua reads them."""

from collections.abc import Iterator, Sequence
from struct import Struct
from typing import NamedTuple

from xxhash import xxh3_128_digest

from streaming.contract.horizon import Horizon, is_old
from streaming.contract.session import LIVE_FEED, Visit
from streaming.contract.time_units import HOUR_MS
from streaming.dedup.counters import (
    Breakdown,
    CounterKey,
    breakdowns,
    counter_key,
    day_name,
    hour_name,
)

DIGEST_BYTES = 10
"""80 bits: among 100 million ids two share them with a probability of 4 in a thousand million."""
_RECORD = Struct(f">{DIGEST_BYTES}s{DIGEST_BYTES}sQHH")  # of a longer digest it takes the beginning
_FOUR_CUTS = Struct(">4I")

Origin = tuple[int, str, int, bool]
"""Segment, feed, arrival and whether the session is old; sessions of the live feed share one a segment."""


class Packed(NamedTuple):
    """Arguments of claim.lua, from its records on."""

    records: bytes
    places: bytes
    origins: list[str | int]
    breakdowns: list[str | int]


def user_digest(user_id: str) -> bytes:
    """What stands for a user in filters, claims and HyperLogLogs."""
    return xxh3_128_digest(user_id.encode())[:DIGEST_BYTES]


def pack(
    sessions: Sequence[Visit],
    positions: Sequence[int],
    arrived_ms: Sequence[int],
    horizon: Horizon,
    hours_kept_ms: int,
) -> Packed:
    """The three run parallel."""
    places: dict[CounterKey, int] = {}
    origins: dict[Origin, int] = {}
    records: list[bytes] = []
    place_number, origin_number = places.setdefault, origins.setdefault
    append, record, digest, segment_ms = records.append, _RECORD.pack, xxh3_128_digest, horizon.segment_ms
    for session, position, arrived in zip(sessions, positions, arrived_ms, strict=True):
        feed = session.feed
        if feed == LIVE_FEED:
            origin: Origin = (arrived // segment_ms, "", 0, False)
        else:
            origin = (arrived // segment_ms, feed, arrived, is_old(session, arrived, horizon.horizon_ms))
        append(
            record(
                digest(session.session_id.encode()),
                digest(session.user_id.encode()),
                position,
                place_number(counter_key(session, arrived, hours_kept_ms), len(places)),
                origin_number(origin, len(origins)),
            )
        )
    numbers: dict[Breakdown, int] = {}
    packed_places = b"".join(
        _FOUR_CUTS.pack(*(numbers.setdefault(cut, len(numbers)) for cut in breakdowns(at))) for at in places
    )
    return Packed(
        b"".join(records),
        packed_places,
        [word for at in origins for word in (at[0], at[1], at[2], int(at[3]))],
        list(_words(numbers, hours_kept_ms)),
    )


def _words(of: dict[Breakdown, int], hours_kept_ms: int) -> Iterator[str | int]:
    for hour, hourly, dimension, value in of:
        yield day_name(hour // 24, dimension, value)
        yield hour_name(hour, dimension, value) if hourly else ""
        yield (hour + 1) * HOUR_MS + hours_kept_ms
