"""Groups any number of events into sessions in bounded memory: DuckDB sorts them on disk."""

from collections.abc import Iterator
from itertools import chain, groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from streaming.contract.session import MAX_INTERACTIONS
from streaming.file_import.shop_events import COLUMNS, Event

_ROWS_AT_ONCE = 20_000

# Tools that read ids with gaps as floats write 17.0 for the id 17: it is the same user or product.
_KEEP = r"""
INSERT INTO event SELECT
  ordinal, epoch_ms(try_cast(event_time AS TIMESTAMPTZ)) AS time_ms, * EXCLUDE (ordinal) REPLACE (
    regexp_replace(user_id, '^(\d+)\.0+$', '\1') AS user_id,
    regexp_replace(product_id, '^(\d+)\.0+$', '\1') AS product_id,
    regexp_replace(category_id, '^(\d+)\.0+$', '\1') AS category_id)
FROM block
"""
_SESSIONS = """
CREATE TABLE session AS
SELECT *, user_session <> '' AND count(*) OVER (PARTITION BY user_session) > 1 AS shared,
  row_number() OVER (ORDER BY end_ms NULLS FIRST, first_ordinal) AS session_number
FROM (SELECT user_session, user_id, max(time_ms) AS end_ms, min(ordinal) AS first_ordinal
      FROM event GROUP BY user_session, user_id)
"""
_IN_ORDER = """
SELECT session_number, CASE WHEN shared THEN user_session || '-' || user_id ELSE user_session END AS
session_id, user_id, time_ms, event_time, event_type, product_id, category_id, category_code, brand, price
FROM event JOIN session USING (user_session, user_id) ORDER BY session_number, time_ms NULLS LAST, ordinal
"""


class Grouping:
    """Add events, then read the sessions. Keeps its files in `directory`, which the caller deletes."""

    def __init__(self, directory: Path, memory_mb: int, threads: int) -> None:
        self._connection = duckdb.connect(
            str(directory / "events.duckdb"),
            config={
                "memory_limit": f"{memory_mb}MB",
                "threads": threads,
                "temp_directory": str(directory / "spill"),
                "preserve_insertion_order": False,
                # Nothing is downloaded, and without the ICU extension a time without a zone is UTC.
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        columns = ", ".join(f"{column} VARCHAR" for column in COLUMNS)
        self._connection.execute(f"CREATE TABLE event (ordinal BIGINT, time_ms BIGINT, {columns})")

    def add(self, events: pa.Table) -> None:
        """Adds events in the columns of `shop_events.Rows`."""
        self._connection.register("block", events)
        self._connection.execute(_KEEP)
        self._connection.unregister("block")

    def sessions(self) -> Iterator[list[Event]]:
        """Yields the events of each session in their order; sessions come in the order of their ends. A
        session that is too long for the contract is cut to one event more than allowed: it is rejected all
        the same, and needs no more memory."""
        self._connection.execute(_SESSIONS)
        self._connection.execute("SET preserve_insertion_order = true")
        reader = self._connection.sql(_IN_ORDER).to_arrow_reader(_ROWS_AT_ONCE)
        rows = chain.from_iterable(zip(*map(_cells, batch.columns), strict=True) for batch in reader)
        for _, events in groupby(rows, key=itemgetter(0)):
            yield [Event(*row) for row in islice(events, MAX_INTERACTIONS + 1)]

    def close(self) -> None:
        """Closes the files."""
        self._connection.close()


def _cells(column: pa.Array) -> list[Any]:
    cells: list[Any] = column.to_pylist()
    return cells
