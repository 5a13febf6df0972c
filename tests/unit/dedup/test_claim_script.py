"""Both sides of the border to Lua name the same things in the same order."""

import re

import pytest

from streaming.contract.horizon import Horizon
from streaming.dedup.port import BatchSpan, ClaimAnswer, ClaimRequest, Generation, raw_position
from streaming.dedup.redis.claim_records import pack
from streaming.dedup.redis.claim_script import CLAIM, ClaimArguments, ClaimKeys, answers, span_lines


def unpacked(source: str) -> list[str]:
    """The names that claim.lua gives to what it unpacks from `source`."""
    (names,) = re.findall(rf"^local ([\w,\s]+) = unpack\({source}\)$", CLAIM, re.MULTILINE)
    return [name.strip() for name in names.split(",")]


def test_claim_lua_unpacks_its_keys_as_they_are_sent() -> None:
    assert unpacked("KEYS") == list(ClaimKeys._fields)


def test_claim_lua_unpacks_its_arguments_as_they_are_sent() -> None:
    assert unpacked(f"ARGV, 1, {len(ClaimArguments._fields)}") == list(ClaimArguments._fields)
    assert f"ORIGINS = own_prefix, {len(ClaimArguments._fields) + 1} " in CLAIM


def test_every_answer_that_claim_lua_may_give_is_known_and_no_other() -> None:
    given = set(re.findall(r"answers\[i\] = .*?'(\w)'", CLAIM)) | set(re.findall(r"'n' or '(\w)'", CLAIM))
    assert set(answers("".join(sorted(given)).encode())) == set(ClaimAnswer)
    with pytest.raises(KeyError):
        answers(b"nx")


def test_spans_are_a_line_for_each_partition() -> None:
    assert span_lines({0: BatchSpan(1, 5, 99), 3: BatchSpan(0, 2, 7)}) == "0 1 5 99\n3 0 2 7"
    assert span_lines({}) == ""


def test_nothing_to_claim_is_nothing_packed() -> None:
    assert pack(ClaimRequest(Generation("g"), [], [], []), Horizon(1_000, 4), 0) == (b"", b"", [], [])


def test_positions_order_offsets_within_a_partition_and_leave_the_first_bit_free() -> None:
    assert raw_position(1, 5) - raw_position(1, 4) == 1
    assert raw_position(2, 0) > raw_position(1, (1 << 48) - 1)
    assert raw_position(32_767, (1 << 48) - 1) < 1 << 63
