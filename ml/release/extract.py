"""Reads rows to learn from in the Parquet files of extract_sessions: only those of given privacy blocks."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.dataset
import pyarrow.parquet

from ml.budget import blocks as times
from ml.features.encoding import Encoding, labels
from ml.features.rows import Rows
from ml.features.schema import Schema
from ml.features.session_row import COLUMNS
from ml.release.scope import AvailableBlocks, ReadScope
from streaming.contract.consent import ALL_AGREED, Sources
from streaming.contract.period import Window
from streaming.extraction.parquet import extracted, missing, outdated
from streaming.extraction.windows import file_name

TEST_SHARE = 0.2
TIME = "arrivedAtMs"
CONSENT = ("feed", "training")
"""What a session is left out by."""


class NoExtract(FileNotFoundError):
    """There is no extract to learn from."""


def list_available(folder: Path, block_ms: int) -> AvailableBlocks:
    """Returns the blocks that have extracted sessions, from file names and footers. Raises NoExtract."""
    windows = _windows(folder)
    spans = [span for window in windows for span in _spans(folder / file_name(window))]
    return AvailableBlocks(times.touched(spans, block_ms), windows[-1].to_ms)


def _windows(folder: Path) -> list[Window]:
    """Returns the extracted windows. Raises NoExtract if there are none, or if an earlier version wrote some
    of them, because it counted by other rules."""
    if why := missing(folder):
        raise NoExtract(why)
    windows = extracted(folder)
    if old := outdated(folder, COLUMNS):
        raise NoExtract(
            f"an earlier version wrote {len(old)} of the {len(windows)} files in {folder}, such as "
            f"{file_name(old[0])}: run extract_sessions first, which writes them again"
        )
    return windows


def _spans(file: Path) -> list[tuple[int, int]]:
    """Returns the first and last arrival in each row group, from the footer."""
    footer = pyarrow.parquet.read_metadata(file)
    column = footer.schema.names.index(TIME)
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    found = [group.column(column).statistics for group in groups if group.num_rows]
    return [(known.min, known.max) for known in found]


def read(folder: Path, schema: Schema, span: ReadScope, sources: Sources = ALL_AGREED) -> tuple[Rows, Rows]:
    """Returns training and test rows, encoded by `schema`, of sessions with an interaction before any
    purchase whose users agree to training. All sessions of a user are on the same side in every run; a unit
    is a user within a block. Raises NoExtract.

    Whether a row is read depends on this row and on settings alone. So the rows without a unit are those with
    it less the unit's own, as the neighbouring relation of the statements has it."""
    assert schema.unit is not None
    encoding = Encoding(schema)
    columns = [*(feature.name for feature in schema.features), schema.target, schema.unit, TIME]
    parts: list[Rows] = []
    is_test: list[npt.NDArray[np.bool_]] = []
    for batch in _batches(folder, span, [*columns, *CONSENT]):
        table = batch.filter(_agreed(batch, sources)).to_pydict()
        if not table[TIME]:
            continue
        users = table[schema.unit]
        block = [times.block_of(moment, span.block_ms) for moment in table[TIME]]
        unit = [number(f"{block} {user}") for block, user in zip(block, users, strict=True)]
        y = labels(table[schema.target], schema.positive)
        parts.append(Rows(encoding.encode(table), y, np.array(unit, dtype=np.int64)))
        is_test.append(_test_side(np.array([number(user) for user in users], dtype=np.int64)))
    if not parts:
        parts = [Rows(np.zeros((0, encoding.width), np.float32), np.zeros(0, np.int8), np.zeros(0, np.int64))]
        is_test = [np.zeros(0, dtype=np.bool_)]
    rows = Rows(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "y", "unit")))
    tested = np.concatenate(is_test)
    return rows.take(_at(~tested)), rows.take(_at(tested))


def count_refused(folder: Path, span: ReadScope, sources: Sources) -> int:
    """Returns how many sessions `read` leaves out because their users have not agreed to training. The number
    is exact, and so for the trusted side only. Raises NoExtract."""
    return sum(_agreed(batch, sources).false_count for batch in _batches(folder, span, list(CONSENT)))


def _batches(folder: Path, span: ReadScope, columns: list[str]) -> Iterator[pyarrow.RecordBatch]:
    files = [str(folder / file_name(window)) for window in _windows(folder)]
    found = pyarrow.dataset.dataset(files)
    yield from found.to_batches(columns=columns, filter=_within(span) & _began(), batch_size=50_000)


def _agreed(batch: pyarrow.RecordBatch, sources: Sources) -> pyarrow.BooleanArray:
    """Returns for each row whether its user agrees to training."""
    said = zip(*(batch.column(name).to_pylist() for name in CONSENT), strict=True)
    return pyarrow.array([sources.agree("training", *one) for one in said], pyarrow.bool_())


def _within(span: ReadScope) -> Any:
    time = pyarrow.dataset.field(TIME)
    return reduce(
        or_,
        ((time >= block) & (time < min(block + span.block_ms, span.until_ms)) for block in span.blocks),
    )


def _began() -> Any:
    """Selects sessions with an interaction before any purchase. In an import, a session without one begins
    with its purchase, so that an empty row would reveal the label."""
    viewed, carted, removed = map(pyarrow.dataset.field, ("viewed", "carted", "removed"))
    return viewed + carted + removed > 0


def digests(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of each file by name, to identify the rows later. For the trusted side only."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.parquet"))
    }


def number(text: str) -> int:
    """Returns 63 bits of the text's SHA-256."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def split(rows: Rows) -> tuple[Rows, Rows]:
    """Returns training and test rows by unit, for rows whose unit is the user."""
    is_test = _test_side(rows.unit)
    return rows.take(_at(~is_test)), rows.take(_at(is_test))


def _test_side(users: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return np.asarray((users % 1_000) < 1_000 * TEST_SHARE)


def _at(flags: Sequence[bool] | npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    return np.flatnonzero(flags).astype(np.int64)
