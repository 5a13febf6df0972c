"""Lines of a shop export: events, or malformed and kept."""

from typing import Any

import pytest

from streaming.file_import.shop_events import COLUMNS, ORDINAL, RowReader, missing_columns

HEADER = ",".join(COLUMNS).encode()
CELLS = [
    "2019-11-01 00:00:00 UTC", "view", "1003461", "205", "a.b", "xiaomi", "489.07", "520", "4d3b",
]  # fmt: skip
LINE = ",".join(CELLS).encode()


def read(*lines: bytes, header: bytes = HEADER) -> tuple[list[dict[str, Any]], list[bytes]]:
    rows = RowReader(header).read(list(lines))
    events = sorted(rows.events.to_pylist(), key=lambda event: event[ORDINAL])
    return events, rows.malformed


def event(ordinal: int = 0, **changed: str) -> dict[str, Any]:
    return {ORDINAL: ordinal, **dict(zip(COLUMNS, CELLS, strict=True)), **changed}


def test_a_plain_line() -> None:
    assert read(LINE) == ([event()], [])


def test_empty_cells_stay_empty() -> None:
    line = b"2019-11-01 00:00:00 UTC,view,1003461,205,,,,520,"
    assert read(line) == ([event(category_code="", brand="", price="", user_session="")], [])
    assert read(b"," * 8) == ([{ORDINAL: 0, **dict.fromkeys(COLUMNS, "")}], [])


def test_words_like_null_stay_strings() -> None:
    line = LINE.replace(b"xiaomi", b"null").replace(b"a.b", b"NA")
    assert read(line) == ([event(brand="null", category_code="NA")], [])


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (b'"xiaomi"', "xiaomi"),
        (b'"a,b"', "a,b"),
        (b'"say ""hi"""', 'say "hi"'),
        ("größe".encode(), "größe"),
        (b"a\rb", "a\rb"),
    ],
)
def test_cells_that_are_not_plain(cell: bytes, value: str) -> None:
    assert read(LINE, LINE.replace(b"xiaomi", cell), LINE) == (
        [event(0), event(1, brand=value), event(2)],
        [],
    )


@pytest.mark.parametrize(
    "line",
    [
        b"x", LINE + b",more", LINE.rpartition(b",")[0], LINE.replace(b"xiaomi", b"\xff"),
        LINE.replace(b"xiaomi", b'"never closed'), LINE.replace(b"xiaomi", b'"a" b'), b'"' + LINE,
    ],
)  # fmt: skip
def test_malformed_lines_are_kept_as_they_are(line: bytes) -> None:
    assert read(LINE, line, LINE) == ([event(0), event(2)], [line])


def test_columns_in_any_order_among_others() -> None:
    names = ["extra", *reversed(COLUMNS), "extra"]
    line = ",".join(["1", *reversed(CELLS), "2"]).encode()
    assert read(line, line.replace(b"xiaomi", b'"xiaomi"'), header=",".join(names).encode()) == (
        [event(0), event(1)],
        [],
    )


def test_lines_are_numbered_across_blocks() -> None:
    reader = RowReader(HEADER)
    reader.read([LINE, b"malformed"])
    assert reader.read([LINE]).events[ORDINAL].to_pylist() == [2]


def test_missing_columns() -> None:
    assert missing_columns(HEADER) == []
    assert missing_columns(b"event_time,price") == [c for c in COLUMNS if c not in ("event_time", "price")]
    assert missing_columns(b"\xff") == list(COLUMNS)
