"""Expired rows of extracts."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ml.features.session_row import COLUMNS
from streaming.contract.period import Window
from streaming.extraction import parquet, windows
from streaming.retention.extracts import ExpiringExtracts

Row = dict[str, object]


def a_row(name: str, event_time_ms: int) -> Row:
    empty = {"string": "", "list<string>": ["x"], "bool": False, "float64": 0.5}
    row: Row = {name: empty.get(type_, 0) for name, type_ in COLUMNS.items()}
    return row | {"sessionPseudonym": name, "eventTimeMs": event_time_ms, "meanPriceViewed": None}


def write(folder: Path, window: Window, *pages: list[Row]) -> Path:
    folder.mkdir(exist_ok=True)
    parquet.write(folder, window, pages, dict, COLUMNS)
    return folder / windows.file_name(window)


def ids(folder: Path) -> dict[str, list[str]]:
    return {
        file.name: pq.read_table(file).column("sessionPseudonym").to_pylist()
        for file in sorted(folder.iterdir())
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two windows; the second has a late import in its second page."""
    write(tmp_path, Window(0, 100), [a_row("a", 10), a_row("b", 50)], [a_row("c", 90)])
    write(tmp_path, Window(100, 200), [a_row("d", 150)], [a_row("late", 20), a_row("e", 160)])
    write(tmp_path, Window(200, 300), [a_row("f", 250)])
    return tmp_path


def test_expired_rows_go_wherever_they_are_and_all_else_stays(folder: Path) -> None:
    place, untouched = ExpiringExtracts(folder), folder / "part-200-300.parquet"
    before, stamp = untouched.read_bytes(), untouched.stat().st_mtime_ns
    whole = pq.read_table(folder / "part-0-100.parquet")
    assert (place.oldest_ms(), place.due(50), place.due(10)) == (10, 2, 0)
    assert place.delete(50) == 2
    assert ids(folder) == {
        "part-0-100.parquet": ["b", "c"],
        "part-100-200.parquet": ["d", "e"],
        "part-200-300.parquet": ["f"],
    }
    assert pq.read_table(folder / "part-0-100.parquet").equals(whole.slice(1))
    assert (untouched.read_bytes(), untouched.stat().st_mtime_ns) == (before, stamp)
    assert (place.oldest_ms(), place.due(50), place.delete(50)) == (50, 0, 0)


def test_a_window_stays_extracted_when_all_its_rows_are_gone(folder: Path) -> None:
    place = ExpiringExtracts(folder)
    assert place.delete(1_000) == 7
    assert parquet.extracted(folder) == [Window(0, 100), Window(100, 200), Window(200, 300)]
    assert windows.plan(parquet.extracted(folder), 300) == []
    assert parquet.outdated(folder, COLUMNS) == []
    assert (place.oldest_ms(), place.delete(1_000)) == (None, 0)


def test_without_an_extract_there_is_nothing(tmp_path: Path) -> None:
    place = ExpiringExtracts(tmp_path / "no")
    assert (place.oldest_ms(), place.due(5), place.delete(5)) == (None, 0, 0)
