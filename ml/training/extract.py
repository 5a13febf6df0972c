"""The Parquet files of extract_sessions as rows to learn from."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.dataset

from ml.features.encoding import Encoding, labels
from ml.features.rows import Rows
from ml.features.schema import Schema

TEST_SHARE = 0.2


class NoExtract(FileNotFoundError):
    """There is nothing to learn from yet."""


def read(folder: Path, schema: Schema) -> Rows:
    """All sessions in `folder`, encoded by `schema`; units are numbered by user. Raises NoExtract."""
    files = sorted(map(str, folder.glob("*.parquet")))
    if not files:
        raise NoExtract(f"no Parquet file in {folder}: run extract_sessions first")
    assert schema.unit is not None
    encoding = Encoding(schema)
    columns = [*(feature.name for feature in schema.features), schema.target, schema.unit]
    parts: list[tuple[Any, Any, Any]] = []
    for batch in pyarrow.dataset.dataset(files).to_batches(columns=columns, batch_size=50_000):
        table = batch.to_pydict()
        unit = [user_number(user) for user in table[schema.unit]]
        parts.append((encoding.encode(table), labels(table[schema.target], schema.positive), unit))
    x, y, units = zip(*parts, strict=True)
    return Rows(np.concatenate(x), np.concatenate(y), np.concatenate(units).astype(np.int64))


def user_number(user_id: str) -> int:
    """63 bits of the id's SHA-256."""
    return int.from_bytes(hashlib.sha256(user_id.encode()).digest()[:8], "big") >> 1


def split(rows: Rows) -> tuple[Rows, Rows]:
    """Training and test rows; all rows of a user are on one side, always the same one."""
    is_test = (rows.unit % 1_000) < 1_000 * TEST_SHARE
    return rows.take(_at(~is_test)), rows.take(_at(is_test))


def _at(flags: Sequence[bool] | npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    return np.flatnonzero(flags).astype(np.int64)
