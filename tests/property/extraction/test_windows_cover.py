"""Whatever is extracted, lost or extracted again, in any order: each session is in exactly one file."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.contract.period import Window
from streaming.extraction.windows import plan

moments = st.integers(0, 50)
periods = st.tuples(moments, moments).map(sorted).filter(lambda pair: pair[0] < pair[1])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("advance"), st.integers(0, 10)),
        st.tuples(st.just("lose"), st.integers(0, 20)),
        st.tuples(st.just("again"), periods),
    ),
    max_size=12,
)


def _run(files: set[Window], until: int, period: Window | None = None) -> None:
    """Does what the DAG does with a plan: writes each window's file, and replaces an old one."""
    files.update(plan(files, until, period))


@given(steps)
@settings(max_examples=300)
def test_every_moment_in_exactly_one_file(history: list[tuple[str, object]]) -> None:
    files: set[Window] = set()
    now = 1
    for step, value in history:
        match step, value:
            case "advance", int(by):
                now += by
                _run(files, now)
            case "lose", int(which) if files:
                files.remove(sorted(files)[which % len(files)])
            case "again", [int(start), int(end)]:
                _run(files, now, Window(start, end))
    _run(files, now)
    covered = [moment for window in files for moment in range(window.from_ms, window.to_ms)]
    assert sorted(covered) == list(range(now))


@given(st.lists(moments, unique=True, min_size=2, max_size=8), periods)
def test_a_period_is_written_completely_and_no_other_file(borders: list[int], asked: tuple[int, int]) -> None:
    borders = sorted(borders)
    files = [Window(start, end) for start, end in pairwise(borders)][::2]
    planned = plan(files, 100, Window(*asked))
    assert set(range(*asked)) <= {
        moment for window in planned for moment in range(window.from_ms, window.to_ms)
    }
    assert all(window.overlaps(Window(*asked)) for window in planned)
    assert all(window in files or not any(window.overlaps(file) for file in files) for window in planned)
