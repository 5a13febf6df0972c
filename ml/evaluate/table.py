"""Reads CSV files as columns of text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas


class TableError(ValueError):
    """The table cannot be used; the message says why and what is expected."""


@dataclass(frozen=True)
class Table:
    """The content of a CSV file with a header."""

    path: Path
    columns: dict[str, list[str]]
    """Name -> its cells, stripped; an empty cell is the empty string."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def require(self, names: Sequence[str]) -> None:
        """Raises TableError naming the columns that are missing."""
        missing = [name for name in names if name not in self.columns]
        if missing:
            raise TableError(
                f"{self.path} has no column {', '.join(missing)}; it has {', '.join(self.columns)}"
            )


def read(path: Path) -> Table:
    """Reads the CSV file `path`, plain or compressed. Raises TableError."""
    try:
        frame = pandas.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except FileNotFoundError:
        raise TableError(f"{path} does not exist") from None
    except (OSError, UnicodeDecodeError, pandas.errors.ParserError, pandas.errors.EmptyDataError) as error:
        raise TableError(f"{path} is not a CSV that can be read: {error}") from error
    if frame.empty:
        raise TableError(f"{path} has no rows")
    # Even with keep_default_na=False, a row that is too short is filled with missing values.
    frame = frame.fillna("")
    return Table(path, {str(name): frame[name].str.strip().tolist() for name in frame.columns})
