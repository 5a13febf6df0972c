"""How many rows a message stands for, by the SQL that the job runs."""

import re

from streaming.contract.topics import RAW_MAX_BYTES
from streaming.summaries import weight

VALID_MAX_BYTES = 2 * RAW_MAX_BYTES
SQL = weight.sql("m")
ARMS = [
    (int(limit), array.split(", ")) for limit, array in re.findall(r"<= (\d+) THEN ARRAY\[([^]]*)\]", SQL)
]
[LAST] = [array.split(", ") for array in re.findall(r"ELSE ARRAY\[([^]]*)\]", SQL)]


def rows(length_bytes: int) -> int:
    return len(next((array for limit, array in ARMS if length_bytes <= limit), LAST))


def test_the_usual_message_is_one_row() -> None:
    assert rows(0) == rows(weight.ROW_BYTES) == 1
    assert rows(weight.ROW_BYTES + 1) == 2


def test_no_message_that_the_topic_takes_is_heavier_than_its_rows() -> None:
    for length_bytes in (1, 16_385, 100_000, 999_999, VALID_MAX_BYTES):
        assert length_bytes <= rows(length_bytes) * weight.ROW_BYTES


def test_the_first_row_has_the_message_and_the_others_are_blank() -> None:
    assert [limit for limit, _ in ARMS] == [step * weight.ROW_BYTES for step in weight.STEPS[:-1]]
    arrays = [*(array for _, array in ARMS), LAST]
    assert arrays == [["FALSE", *["TRUE"] * (step - 1)] for step in weight.STEPS]


def test_a_record_without_a_value_is_one_row() -> None:
    assert SQL.startswith("CASE WHEN m IS NULL THEN ARRAY[FALSE] ")
