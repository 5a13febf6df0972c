"""How many rows a message stands for, and that the job's SQL says the same."""

import re

from streaming.contract.topics import RAW_MAX_BYTES
from streaming.summaries import weight

VALID_MAX_BYTES = 2 * RAW_MAX_BYTES


def test_the_usual_message_is_one_row() -> None:
    assert weight.rows(0) == weight.rows(weight.ROW_BYTES) == 1
    assert weight.rows(weight.ROW_BYTES + 1) == 2


def test_no_message_that_the_topic_takes_is_heavier_than_its_rows() -> None:
    for length_bytes in (1, 16_385, 100_000, 999_999, VALID_MAX_BYTES):
        assert length_bytes <= weight.rows(length_bytes) * weight.ROW_BYTES


def test_sql_says_the_same() -> None:
    arms = re.findall(r"WHEN n <= (\d+) THEN ARRAY\[([^]]*)\]", weight.sql("n"))
    [last] = re.findall(r"ELSE ARRAY\[([^]]*)\]", weight.sql("n"))
    for limit, array in [*arms, (VALID_MAX_BYTES, last)]:
        blank = array.split(", ")
        assert blank == ["FALSE", *["TRUE"] * (weight.rows(int(limit)) - 1)]
