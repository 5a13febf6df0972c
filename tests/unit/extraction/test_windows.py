import pytest

from streaming.contract.period import END_OF_TIME_MS, Window, period
from streaming.extraction.windows import announced_to_ms, file_name, of_file_name, plan

DAY_MS = 86_400_000


def test_a_file_name_contains_its_window() -> None:
    window = Window(5, 17)
    assert file_name(window) == "part-5-17.parquet"
    assert of_file_name(file_name(window)) == window


@pytest.mark.parametrize(
    "name", ["part-5-17.unfinished", "part-5.parquet", "x-part-5-17.parquet", "part--5-17.parquet"]
)
def test_other_file_names_have_no_window(name: str) -> None:
    assert of_file_name(name) is None


def test_the_first_run_extracts_everything() -> None:
    assert plan([], 100) == [Window(0, 100)]


def test_the_next_run_continues_where_the_last_ended() -> None:
    assert plan([Window(0, 60), Window(60, 80)], 100) == [Window(80, 100)]


def test_a_lost_file_is_extracted_again() -> None:
    assert plan([Window(0, 60), Window(80, 100)], 100) == [Window(60, 80)]


def test_nothing_to_do_before_the_end_of_the_last_file() -> None:
    assert plan([Window(0, 60)], 60) == []
    assert plan([Window(0, 60)], 50) == []


def test_a_past_period_is_widened_to_whole_files() -> None:
    assert plan([Window(0, 60), Window(60, 80), Window(80, 90)], 100, Window(70, 85)) == [
        Window(60, 80),
        Window(80, 90),
    ]


def test_outdated_files_are_written_again_with_any_period() -> None:
    files = [Window(0, 60), Window(60, 80), Window(80, 90)]
    assert plan(files, 100, outdated=files[:1]) == [Window(0, 60), Window(90, 100)]
    assert plan(files, 100, Window(70, 75), outdated=files[:2]) == files[:2]
    assert plan(files, 50, Window(70, 75), outdated=files[2:]) == files[2:]


def test_a_period_that_ends_in_the_future_is_extracted_up_to_now() -> None:
    assert plan([Window(0, 60)], 100, Window(50, END_OF_TIME_MS)) == [Window(0, 60), Window(60, 100)]


def test_a_period_does_not_fill_gaps_outside_it() -> None:
    assert plan([Window(10, 20)], 100, Window(12, 25)) == [Window(10, 20), Window(20, 25)]


def test_a_period_in_the_future_is_empty() -> None:
    assert plan([Window(0, 60)], 100, Window(100, 200)) == []


def test_overlapping_files_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"part-0-60\.parquet and part-50-80\.parquet overlap"):
        plan([Window(50, 80), Window(0, 60)], 100)


def test_without_ends_there_is_no_period() -> None:
    assert period(None, None) is None


def test_a_period_is_read_as_utc_unless_it_has_a_zone() -> None:
    assert period("1970-01-02T00:00:00", "1970-01-03T00:00:00Z") == Window(DAY_MS, 2 * DAY_MS)
    assert period("1970-01-02T02:00:00+02:00", None) == Window(DAY_MS, END_OF_TIME_MS)
    assert period(None, "1970-01-02T00:00") == Window(0, DAY_MS)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-01-02T00:00Z", "2026-01-01T00:00Z"),
        ("2026-01-01T00:00Z", "2026-01-01T00:00Z"),
        (None, "1970-01-01T00:00Z"),
    ],
)
def test_a_period_must_end_after_it_begins(start: str | None, end: str) -> None:
    with pytest.raises(ValueError, match="must end after it begins"):
        period(start, end)


def test_an_invalid_moment() -> None:
    with pytest.raises(ValueError, match="2026-13-01"):
        period("2026-13-01T00:00:00Z", None)


@pytest.mark.parametrize(
    "extra", [None, {}, {"extracted_to_ms": None}, {"extracted_to_ms": "1000"}, {"files": 3}]
)
def test_an_event_made_by_hand_announces_nothing(extra: dict[str, object] | None) -> None:
    """It must not end every later extraction."""
    assert announced_to_ms(extra) == 0


def test_an_extraction_announces_up_to_when() -> None:
    assert announced_to_ms({"files": 3, "extracted_to_ms": 1_000}) == 1_000
