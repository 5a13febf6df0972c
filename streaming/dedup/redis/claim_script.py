"""What passes between Python and claim.lua: its keys, its arguments and its answers.

Both sides name the same things in the same order; tests/unit/dedup holds claim.lua to it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from streaming.dedup.port import BatchSpan, ClaimAnswer

CLAIM = Path(__file__).with_name("claim.lua").read_text()


class ClaimKeys(NamedTuple):
    """KEYS of claim.lua."""

    pointer: bytes
    """Holds the name of the generation in use, or of the one under construction."""
    offsets: bytes
    segments: bytes
    counted: bytes
    feeds: bytes


class ClaimArguments(NamedTuple):
    """ARGV of claim.lua, from the first one on; the words of the origins follow, then those of the breakdowns
    (claim_records.Packed)."""

    generation: bytes
    """Which the pointer must name."""
    own_prefix: bytes
    """Of the keys of this generation."""
    counters_prefix: bytes
    """Of the HyperLogLogs of distinct users."""
    reach: int
    """Segments that a message sees before its own, and after."""
    horizon_ms: int
    session_capacity: int
    """Of a segment's filter of sessions, as its error rate."""
    session_error_rate: float
    user_capacity: int
    user_error_rate: float
    bucket_bits: int
    """Bits of a digest that name its bucket."""
    building: int
    """1 in a rebuild, else 0."""
    spans: str
    """A line for each partition: `partition committed upto arrived_ms`."""
    records: bytes
    """32 bytes a session: session digest 10, user digest 10, raw position 8, place 2, origin 2."""
    places: bytes
    """16 bytes a place: the numbers of its four breakdowns."""
    origin_count: int


_ANSWER_OF = {
    ord("t"): ClaimAnswer.TAKEN,
    ord("n"): ClaimAnswer.NEW_USER,
    ord("k"): ClaimAnswer.KNOWN_USER,
    ord("o"): ClaimAnswer.OLD,
    ord("b"): ClaimAnswer.BEYOND,
}


def answers(reply: bytes) -> list[ClaimAnswer]:
    """What claim.lua says of each session, one byte each. Raises KeyError on a byte that it does not know."""
    return [_ANSWER_OF[code] for code in reply]


def span_lines(spans: Mapping[int, BatchSpan]) -> str:
    """ClaimArguments.spans."""
    return "\n".join(
        f"{partition} {span.committed} {span.upto} {span.arrived_ms}" for partition, span in spans.items()
    )
