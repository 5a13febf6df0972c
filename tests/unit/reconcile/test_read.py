"""How reconcile reads a rejection, also one written by an earlier version."""

from collections.abc import Sequence
from typing import Any

import pytest
from confluent_kafka import Message

from streaming.reconcile.read import rejected_record

DETAIL = b"eventTimeMs more than 1000 ms before arrival"


def message(*more: tuple[str, bytes]) -> Any:
    headers: list[tuple[str, str | bytes | None]] = [
        ("reason", b"beyond_horizon"),
        ("raw_partition", b"2"),
        ("raw_offset", b"7"),
        *more,
    ]
    return Message(
        topic="rejected_user_session", partition=1, offset=3, key=b"u", value=b"{}", headers=headers
    )


@pytest.mark.parametrize(
    ("headers", "horizon_ms"),
    [
        ([("detail", DETAIL), ("horizon_ms", b"2000")], 2_000),
        ([("detail", DETAIL)], 1_000),
        ([("horizon_ms", b"2000")], 2_000),
        ([("detail", DETAIL), ("horizon_ms", b"no number")], None),
        ([("detail", b"sessionId")], None),
    ],
    ids=["header", "earlier version: detail", "header alone", "broken header", "neither"],
)
def test_the_horizon_is_in_a_header_or_in_the_detail_of_an_earlier_version(
    headers: Sequence[tuple[str, bytes]], horizon_ms: int | None
) -> None:
    record = rejected_record(message(*headers))
    assert record.horizon_ms == horizon_ms
    assert (record.partition, record.raw_partition, record.raw_offset) == (1, 2, 7)
    assert (record.key, record.value) == (b"u", b"{}")
