"""Expired rows of extracts. A file keeps its name, by which the window that it covers counts as extracted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from streaming.data_folder import atomic_file, opening
from streaming.data_folder.alone import alone

TIME = "eventTimeMs"


class ExpiringExtracts:
    """The Parquet files of a folder, as a Place. A file with expired rows is replaced by one without them,
    which readers see whole. Files without event times are of an earlier release, and the next extraction
    writes them anew."""

    unit = "rows"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def oldest_ms(self) -> int | None:
        return min((at_ms for file in self._files() if (at_ms := _oldest_ms(file)) is not None), default=None)

    def due(self, before_ms: int) -> int:
        return sum(_older_rows(file, before_ms) for file in self._with_older(before_ms))

    def delete(self, before_ms: int) -> int:
        if not self._folder.exists():
            return 0
        with alone(self._folder):
            return sum(keep(file, pc.field(TIME) >= before_ms) for file in self._with_older(before_ms))

    def _files(self) -> list[Path]:
        return files(self._folder)

    def _with_older(self, before_ms: int) -> list[Path]:
        oldest_ms = {file: _oldest_ms(file) for file in self._files()}
        return [file for file, at_ms in oldest_ms.items() if at_ms is not None and at_ms < before_ms]


def files(folder: Path) -> list[Path]:
    """Returns the files of extracts in `folder`."""
    return sorted(folder.glob("part-*.parquet"))


@contextmanager
def opened_extract(file: Path) -> Iterator[pq.ParquetFile]:
    """Opens a file of the folder, and nothing that a link there leads to."""
    with opening.folder(file.parent) as inside:
        descriptor = opening.existing(file.name, inside, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as opened, pq.ParquetFile(opened) as parquet:
        yield parquet


def _oldest_ms(file: Path) -> int | None:
    """Returns the earliest event time in a file, from the statistics in it; None if it has no rows."""
    with opened_extract(file) as opened:
        names = opened.schema_arrow.names
        if TIME not in names:
            return None
        groups = (
            opened.metadata.row_group(at).column(names.index(TIME)) for at in range(opened.num_row_groups)
        )
        return min((int(column.statistics.min) for column in groups if column.statistics), default=None)


def _older_rows(file: Path, before_ms: int) -> int:
    with opened_extract(file) as opened:
        times = opened.read(columns=[TIME])
    return int(times.filter(pc.field(TIME) < before_ms).num_rows)


def keep(file: Path, wanted: pc.Expression) -> int:
    """Leaves the rows that are `wanted`, and returns how many others there were; readers see the file whole,
    before or after. One row group is in memory at a time. Call it within `alone` for the folder."""
    gone = 0
    with (
        opened_extract(file) as old,
        atomic_file.writing(file) as opened,
        pq.ParquetWriter(opened, old.schema_arrow, compression="zstd") as new,
    ):
        for at in range(old.num_row_groups):
            rows = old.read_row_group(at)
            kept = rows.filter(wanted)
            gone += rows.num_rows - kept.num_rows
            if kept.num_rows:
                new.write_table(kept)
    return gone
