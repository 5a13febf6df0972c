"""Writes one Parquet file per window; readers see a file only when it is complete."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from streaming.contract.period import Window
from streaming.data_folder import atomic_file
from streaming.extraction.pages import Document
from streaming.extraction.windows import file_name, of_file_name


def extracted(folder: Path) -> list[Window]:
    """Returns the windows that have a file in `folder`, in order; none if the folder does not exist yet."""
    return sorted(window for file in folder.glob("*") if (window := of_file_name(file.name)) is not None)


def missing(folder: Path) -> str | None:
    """Returns None if `folder` contains an extract; otherwise a message that says what to do."""
    return None if extracted(folder) else "No session has been extracted yet: run extract_sessions first."


def outdated(folder: Path, columns: Iterable[str]) -> list[Window]:
    """Returns the windows whose file does not have exactly `columns`, because an earlier version wrote it."""
    named = list(columns)
    return [
        window for window in extracted(folder) if pq.read_schema(folder / file_name(window)).names != named
    ]


def prepare(folder: Path) -> None:
    """Creates `folder` and removes unfinished files that a crash left there. Only one run may write at a
    time."""
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(f"*{atomic_file.UNFINISHED}"):
        leftover.unlink()


def write(
    folder: Path,
    window: Window,
    pages: Iterable[list[Document]],
    row: Callable[[Document], dict[str, Any]],
    columns: Mapping[str, str],
) -> int:
    """Writes `row` of every document into the file of `window` and returns the number of rows.

    `columns` maps each column to the name of its Arrow type. A window without sessions gets no file; if it
    has one already, that file becomes empty.
    """
    schema = pa.schema([(name, _type(type_name)) for name, type_name in columns.items()])
    path, rows, filled = folder / file_name(window), 0, filter(None, pages)
    first = next(filled, None)
    if first is None and not path.exists():
        return 0
    with atomic_file.writing(path) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for page in chain([] if first is None else [first], filled):
            writer.write_table(pa.Table.from_pylist(list(map(row, page)), schema=schema))
            rows += len(page)
    return rows


def _type(name: str) -> pa.DataType:
    """Returns the Arrow type called `name`, such as `int64`, `string` or `list<string>`."""
    if name.startswith("list<"):
        return pa.list_(_type(name.removeprefix("list<").removesuffix(">")))
    return pa.type_for_alias(name)
