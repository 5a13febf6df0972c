"""The erasure list is only ever added to, and two copies of it are united."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.person import erasures
from streaming.person.erasure_list import FILE, ErasureList
from streaming.person.erasures import Amount, Event, Request


@pytest.fixture
def kept(tmp_path: Path) -> ErasureList:
    return ErasureList(tmp_path / "erasures")


def test_a_request_is_open_until_it_is_done(kept: ErasureList) -> None:
    made = kept.request("a" * 32)
    assert [one.state for one in kept.requests()] == ["requested"]
    assert kept.request("a" * 32).id == made.id
    [begun] = kept.begin([made], 1_000)
    assert (begun.id, begun.state) == (made.id, "under way")
    assert kept.request("a" * 32).id == made.id
    assert kept.begin([begun], 2_000) == [begun]
    kept.end([begun], [Amount("mongodb", 3)])
    [done] = kept.requests()
    assert (done.state, done.places) == ("done", (Amount("mongodb", 3),))
    assert erasures.still_open([done]) == []
    assert kept.request("a" * 32).id != made.id


def test_only_its_owner_reads_it(kept: ErasureList, tmp_path: Path) -> None:
    kept.request("a" * 32)
    for path in (tmp_path / "erasures", tmp_path / "erasures" / FILE):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_line_that_was_cut_takes_no_other_with_it(kept: ErasureList, tmp_path: Path) -> None:
    kept.request("a" * 32)
    with (tmp_path / "erasures" / FILE).open("ab") as file:
        file.write(b'{"at_ms": 1, "req')
    kept.request("b" * 32)
    assert [one.user for one in kept.requests()] == ["a" * 32, "b" * 32]


def test_no_list_is_an_empty_one(kept: ErasureList) -> None:
    assert kept.requests() == []
    assert kept.lines() == []


def test_a_copy_is_united_with_it(kept: ErasureList, tmp_path: Path) -> None:
    """As a restore does: what is only here stays, and nothing is there twice."""
    shared = kept.request("a" * 32)
    saved = kept.lines()
    kept.begin([shared], 1_000)
    other = ErasureList(tmp_path / "other")
    other.request("b" * 32)
    assert kept.unite([*saved, *other.lines()]) == 1
    assert kept.unite([*saved, *other.lines(), b"no line"]) == 0
    assert {one.user: one.state for one in kept.requests()} == {"a" * 32: "under way", "b" * 32: "requested"}


def test_what_is_overdue_is_named() -> None:
    hour_ms = 3_600_000
    asked = Request("a", "u", 0)
    begun = Request("b", "v", 0, begun_ms=30 * hour_ms)
    done = Request("c", "w", 0, begun_ms=1, done_ms=2)
    assert erasures.overdue([asked, begun, done], 24 * hour_ms, 24 * hour_ms) == []
    assert erasures.overdue([asked, begun, done], 25 * hour_ms, 24 * hour_ms) == [asked]
    assert erasures.overdue([begun, done], 31 * hour_ms + 1, 72 * hour_ms) == [begun]


events = st.lists(
    st.builds(
        Event,
        at_ms=st.integers(0, 9),
        request=st.sampled_from("xyz"),
        user=st.sampled_from("uv"),
        did=st.sampled_from(["requested", "begun", "done"]),
    ),
    max_size=8,
)


@given(events, events)
def test_united_in_either_order_they_say_the_same(some: list[Event], others: list[Event]) -> None:
    one, two = [list(map(erasures.line, of)) for of in (some, others)]

    def said(lines: list[bytes]) -> dict[str, tuple[int | None, int | None]]:
        found: list[Request] = erasures.requests(erasures.read(lines))
        return {request.id: (request.begun_ms, request.done_ms) for request in found}

    assert said(one + erasures.missing(one, two)) == said(two + erasures.missing(two, one))


@given(events)
def test_the_latest_moment_counts(of: list[Event]) -> None:
    found = erasures.requests(of)
    for user, before_ms in erasures.erased_before_ms(found).items():
        assert before_ms == max(
            one.begun_ms for one in found if one.user == user and one.begun_ms is not None
        )
