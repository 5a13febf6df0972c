"""One Parquet file a window, seen by readers only when whole."""

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
    """The windows that have a file in `folder`, in order; none where there is no such folder yet."""
    return sorted(window for file in folder.glob("*") if (window := of_file_name(file.name)) is not None)


def missing(folder: Path) -> str | None:
    """Why nothing can be learned from `folder` yet, and what to do; None where it holds an extract."""
    return None if extracted(folder) else "No session has been extracted yet: run extract_sessions first."


def outdated(folder: Path, columns: Iterable[str]) -> list[Window]:
    """The windows whose file has not exactly `columns`: an earlier version wrote it, by other rules."""
    named = list(columns)
    return [
        window for window in extracted(folder) if pq.read_schema(folder / file_name(window)).names != named
    ]


def prepare(folder: Path) -> None:
    """Makes `folder` and removes what a crash left unfinished in it: only one run may write at a time."""
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
    """Writes `row` of every document into the file of `window` and returns how many there are.

    `columns` maps each column to the name of its Arrow type. A window without sessions gets no file of its
    own, but empties one that is there.
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
    """The Arrow type called `name`, such as `int64`, `string` or `list<string>`."""
    if name.startswith("list<"):
        return pa.list_(_type(name.removeprefix("list<").removesuffix(">")))
    return pa.type_for_alias(name)
