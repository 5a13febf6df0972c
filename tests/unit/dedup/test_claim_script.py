"""Python and claim.lua use the same names in the same order."""

import re

import pytest

from streaming.contract.horizon import Horizon
from streaming.dedup.counters import Kept
from streaming.dedup.port import BatchSpan, ClaimAnswer, ClaimRequest, Generation, raw_position
from streaming.dedup.redis.claim_records import pack
from streaming.dedup.redis.claim_script import CLAIM, ClaimArguments, ClaimKeys, answers, span_lines
from streaming.words.lists import Words


def unpacked(source: str) -> list[str]:
    """The names of the variables that claim.lua unpacks from `source`."""
    (names,) = re.findall(rf"^local ([\w,\s]+) = unpack\({source}\)$", CLAIM, re.MULTILINE)
    return [name.strip() for name in names.split(",")]


def test_claim_lua_unpacks_its_keys_as_they_are_sent() -> None:
    assert unpacked("KEYS") == list(ClaimKeys._fields)


def test_claim_lua_unpacks_its_arguments_as_they_are_sent() -> None:
    assert unpacked(f"ARGV, 1, {len(ClaimArguments._fields)}") == list(ClaimArguments._fields)
    assert f"ORIGINS = own_prefix, {len(ClaimArguments._fields) + 1} " in CLAIM


def test_python_knows_exactly_the_answers_of_claim_lua() -> None:
    codes = set(re.findall(r"answers\[i\] = .*?'(\w)'", CLAIM)) | set(re.findall(r"'n' or '(\w)'", CLAIM))
    assert set(answers("".join(sorted(codes)).encode())) == set(ClaimAnswer)
    with pytest.raises(KeyError):
        answers(b"nx")


def test_spans_have_one_line_per_partition() -> None:
    assert span_lines({0: BatchSpan(1, 5, 99), 3: BatchSpan(0, 2, 7)}) == "0 1 5 99\n3 0 2 7"
    assert span_lines({}) == ""


def test_an_empty_request_is_packed_empty() -> None:
    empty = ClaimRequest(Generation("g"), [], [], [])
    assert pack(empty, Horizon(1_000, 4), Kept(0, 0), Words()) == (b"", b"", [], [])


def test_positions_sort_by_partition_and_offset_and_their_first_bit_is_0() -> None:
    assert raw_position(1, 5) - raw_position(1, 4) == 1
    assert raw_position(2, 0) > raw_position(1, (1 << 48) - 1)
    assert raw_position(32_767, (1 << 48) - 1) < 1 << 63
