"""Reads the CSV of a REES46 shop export, one block of lines at a time. Pure. A line is one event or
malformed."""

import csv
from typing import NamedTuple

import pyarrow as pa
from pyarrow import csv as arrow_csv

COLUMNS = (
    "event_time", "event_type", "product_id", "category_id", "category_code", "brand", "price", "user_id",
    "user_session",
)  # fmt: skip
"""The columns that the header must name, in any order; it may name others too."""

ORDINAL = "ordinal"


class Event(NamedTuple):
    """One event with its cells as in the file, and the session that it was grouped into."""

    session_number: int
    session_id: str
    user_id: str
    time_ms: int | None
    """None if `event_time` is not a time."""
    event_time: str
    event_type: str
    product_id: str
    category_id: str
    category_code: str
    brand: str
    price: str


class Rows(NamedTuple):
    """The events of some lines, and the malformed lines."""

    events: pa.Table
    """ORDINAL (the number of the line), then COLUMNS as strings."""
    malformed: list[bytes]


def _header(line: bytes) -> list[str]:
    try:
        return [cell.strip().lower() for cell in next(csv.reader([line.decode()]), [])]
    except (UnicodeDecodeError, csv.Error):
        return []


def missing_columns(header: bytes) -> list[str]:
    """Returns those of COLUMNS that `header`, the first line of a file, does not name."""
    named = _header(header)
    return [column for column in COLUMNS if column not in named]


class RowReader:
    """Reads the lines after `header`."""

    def __init__(self, header: bytes) -> None:
        named = _header(header)
        self._width = len(named)
        self._order = [named.index(column) for column in COLUMNS]
        # Column numbers as names: a header may contain the name of an unused column twice.
        self._read_options = arrow_csv.ReadOptions(column_names=[str(i) for i in range(len(named))])
        self._convert_options = arrow_csv.ConvertOptions(
            column_types={str(i): pa.string() for i in self._order},
            include_columns=[str(i) for i in self._order],
            strings_can_be_null=False,
            check_utf8=False,
        )
        self._lines = 0

    def read(self, lines: list[bytes]) -> Rows:
        """Returns the events in `lines`. A quoted cell must end within its line, as it does in all these
        exports: so an unclosed quote makes one line malformed, and does not swallow the next ones."""
        plain: list[bytes] = []
        plain_at: list[int] = []
        others: list[list[str]] = []
        others_at: list[int] = []
        malformed: list[bytes] = []
        commas = self._width - 1
        for at, line in enumerate(lines, self._lines):
            if line.count(b",") == commas and line.isascii() and b'"' not in line and b"\r" not in line:
                plain.append(line)
                plain_at.append(at)
            elif (cells := _cells(line)) is not None and len(cells) == self._width:
                others.append([cells[i] for i in self._order])
                others_at.append(at)
            else:
                malformed.append(line)
        self._lines += len(lines)
        quoted = [pa.array([cells[i] for cells in others], pa.string()) for i in range(len(COLUMNS))]
        events = _table(others_at, quoted)
        if plain:
            events = pa.concat_tables([_table(plain_at, self._arrow(plain).columns), events])
        return Rows(events, malformed)

    def _arrow(self, plain: list[bytes]) -> pa.Table:
        """Returns the cells of lines that need only be split at their commas."""
        return arrow_csv.read_csv(
            pa.BufferReader(b"\n".join(plain)),
            read_options=self._read_options,
            parse_options=arrow_csv.ParseOptions(quote_char=False),
            convert_options=self._convert_options,
        )


def _table(at: list[int], columns: list[pa.Array]) -> pa.Table:
    return pa.table([pa.array(at, pa.int64()), *columns], names=[ORDINAL, *COLUMNS])


def _cells(line: bytes) -> list[str] | None:
    try:
        text = line.decode()
        return next(csv.reader([text], strict=True)) if '"' in text else text.split(",")
    except (UnicodeDecodeError, csv.Error):
        return None
