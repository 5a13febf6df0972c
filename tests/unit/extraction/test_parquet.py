from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from streaming.contract.period import Window
from streaming.extraction import parquet

COLUMNS = {"id": "string", "n": "int64", "price": "float64", "tags": "list<string>", "sold": "bool"}
WINDOW = Window(5, 17)
PAGES = [
    [{"id": "a", "n": 1, "price": None, "tags": ["x", "y"], "sold": True}],
    [{"id": "b", "n": 2, "price": 0.5, "tags": [], "sold": False}],
]


def _write(folder: Path, pages: Any) -> int:
    return parquet.write(folder, WINDOW, pages, lambda document: document, COLUMNS)


def test_a_row_for_each_document_with_the_declared_types(tmp_path: Path) -> None:
    assert _write(tmp_path, PAGES) == 2
    table = pq.read_table(tmp_path / "part-5-17.parquet")
    assert {field.name: str(field.type) for field in table.schema} == {
        "id": "string",
        "n": "int64",
        "price": "double",
        "tags": "list<element: string>",
        "sold": "bool",
    }
    assert table.to_pylist() == [row for page in PAGES for row in page]
    assert parquet.extracted(tmp_path) == [WINDOW]


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    _write(tmp_path, PAGES)

    def broken() -> Iterator[list[dict[str, Any]]]:
        yield PAGES[1]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        _write(tmp_path, broken())
    assert [file.name for file in tmp_path.iterdir()] == ["part-5-17.parquet"]
    assert pq.read_table(tmp_path / "part-5-17.parquet").num_rows == 2


def test_an_empty_window_creates_no_file_but_empties_an_old_one(tmp_path: Path) -> None:
    assert _write(tmp_path, []) == 0
    assert parquet.extracted(tmp_path) == []
    _write(tmp_path, PAGES)
    assert _write(tmp_path, []) == 0
    assert pq.read_table(tmp_path / "part-5-17.parquet").num_rows == 0


def test_preparing_removes_unfinished_files_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "extracts" / "sessions"
    parquet.prepare(folder)
    (folder / "part-17-20.unfinished").write_bytes(b"PAR1")
    _write(folder, PAGES)
    parquet.prepare(folder)
    assert [file.name for file in folder.iterdir()] == ["part-5-17.parquet"]


def test_files_with_other_columns_are_outdated(tmp_path: Path) -> None:
    _write(tmp_path, PAGES)
    assert parquet.outdated(tmp_path, COLUMNS) == []
    for others in ([*COLUMNS, "more"], list(COLUMNS)[1:], list(reversed(COLUMNS))):
        assert parquet.outdated(tmp_path, others) == [WINDOW]


def test_a_missing_folder_contains_no_extract(tmp_path: Path) -> None:
    assert parquet.extracted(tmp_path / "none") == []
    assert parquet.outdated(tmp_path / "none", COLUMNS) == []
