"""The keys, arguments and answers of claim.lua.

Names and order are the same in claim.lua; tests/unit/dedup checks it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from streaming.dedup.port import BatchSpan, ClaimAnswer

CLAIM = Path(__file__).with_name("claim.lua").read_text()


class ClaimKeys(NamedTuple):
    """KEYS of claim.lua."""

    pointer: bytes
    """Contains the name of the generation in use, or of the one under construction."""
    offsets: bytes
    segments: bytes
    counted: bytes
    feeds: bytes


class ClaimArguments(NamedTuple):
    """ARGV of claim.lua from the first one on. After these come the arguments of the origins, then those of
    the breakdowns (claim_records.Packed)."""

    generation: bytes
    """The generation that the pointer must contain."""
    own_prefix: bytes
    """The prefix of this generation's keys."""
    counters_prefix: bytes
    """The prefix of the HyperLogLogs of distinct users."""
    reach: int
    """How many segments a message sees before its own, and after."""
    horizon_ms: int
    session_capacity: int
    """The capacity of a segment's filter of sessions; its error rate follows."""
    session_error_rate: float
    user_capacity: int
    user_error_rate: float
    bucket_bits: int
    """How many bits of a digest determine its bucket."""
    building: int
    """1 in a rebuild, else 0."""
    spans: str
    """One line per partition: `partition committed upto arrived_ms`."""
    records: bytes
    """32 bytes per session: session digest 10, user digest 10, raw position 8, counter key 2, origin 2."""
    counter_keys: bytes
    """16 bytes per counter key: the numbers of its four breakdowns."""
    origin_count: int
    imports_max: int
    """How many imports have a first arrival; not applied in a rebuild."""


_ANSWER_OF = {
    ord("t"): ClaimAnswer.TAKEN,
    ord("n"): ClaimAnswer.NEW_USER,
    ord("k"): ClaimAnswer.KNOWN_USER,
    ord("o"): ClaimAnswer.OLD,
    ord("b"): ClaimAnswer.BEYOND,
    ord("m"): ClaimAnswer.TOO_MANY_IMPORTS,
}


def answers(reply: bytes) -> list[ClaimAnswer]:
    """Returns the answer in each byte of claim.lua's reply, one per session. Raises KeyError on an unknown
    byte."""
    return [_ANSWER_OF[code] for code in reply]


def span_lines(spans: Mapping[int, BatchSpan]) -> str:
    """Returns the value of ClaimArguments.spans."""
    return "\n".join(
        f"{partition} {span.committed} {span.upto} {span.arrived_ms}" for partition, span in spans.items()
    )
