"""One Parquet file a window, seen by readers only when whole."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from streaming.contract.period import Window
from streaming.extraction.pages import Document
from streaming.extraction.windows import file_name, of_file_name

_UNFINISHED = ".unfinished"


def extracted(folder: Path) -> list[Window]:
    """The windows that have a file in `folder`, in order; none where there is no such folder yet."""
    return sorted(window for file in folder.glob("*") if (window := of_file_name(file.name)) is not None)


def outdated(folder: Path, columns: Iterable[str]) -> list[Window]:
    """The windows whose file has not exactly `columns`: an earlier version wrote it, by other rules."""
    named = list(columns)
    return [
        window for window in extracted(folder) if pq.read_schema(folder / file_name(window)).names != named
    ]


def prepare(folder: Path) -> None:
    """Makes `folder` and removes what a crash left unfinished in it: only one run may write at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob(f"*{_UNFINISHED}"):
        leftover.unlink()


def write(
    folder: Path,
    window: Window,
    pages: Iterable[list[Document]],
    row: Callable[[Document], dict[str, Any]],
    columns: Mapping[str, str],
) -> int:
    """Writes `row` of every document into the file of `window` and returns how many there are.

    `columns` maps each column to the name of its Arrow type. The file appears under its name by one rename,
    after its bytes are on disk. A window without sessions gets no file of its own, but empties one that is
    there.
    """
    schema = pa.schema([(name, _type(type_name)) for name, type_name in columns.items()])
    finished = folder / file_name(window)
    unfinished = finished.with_suffix(_UNFINISHED)
    rows = 0
    try:
        with unfinished.open("wb") as file:
            with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                for page in pages:
                    writer.write_table(pa.Table.from_pylist(list(map(row, page)), schema=schema))
                    rows += len(page)
            file.flush()
            os.fsync(file.fileno())
        if rows or finished.exists():
            unfinished.rename(finished)
    finally:
        unfinished.unlink(missing_ok=True)
    return rows


def _type(name: str) -> pa.DataType:
    """The Arrow type called `name`, such as `int64`, `string` or `list<string>`."""
    if name.startswith("list<"):
        return pa.list_(_type(name.removeprefix("list<").removesuffix(">")))
    return pa.type_for_alias(name)
