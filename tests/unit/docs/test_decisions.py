"""Decisions: one file each, numbered without gaps, with links in both directions if one replaces another."""

import re
from pathlib import Path

import pytest
from msgspec import Struct

FOLDER = Path(__file__).parents[3] / "docs" / "decisions"
FILES = sorted(file for file in FOLDER.glob("*.md") if file.name != "README.md")
HEAD = re.compile(
    r"# (?P<number>\d+)\. (?P<title>\S.*)\n"
    r"\n"
    r"- Status: (?P<status>.+)\n"
    r"- Date: (?P<date>\d{4}-\d\d-\d\d)\n"
    r"(?P<over>(?:- (?:Amends|Supersedes): .+\n)*)"
    r"\n"
)
ONE = r"\[\d{4}\]\(\d{4}-[\w-]+\.md\)"
SOME = rf"{ONE}(?: and {ONE}|(?:, {ONE})+ and {ONE})?"
STATUS = re.compile(rf"accepted|superseded by {SOME}|amended by {SOME}")
VERBS = {"superseded by": "Supersedes", "amended by": "Amends"}
"""What the older record says -> what the newer one says."""


class Decision(Struct, frozen=True):
    """The head of a record."""

    number: int
    title: str
    status: str
    date: str
    over: str
    """Its lines on the records that it amends or supersedes."""


def decision(file: Path) -> Decision:
    head = HEAD.match(file.read_text(encoding="utf-8"))
    assert head, f"{file.name} does not begin as decisions do"
    return Decision(int(head["number"]), head["title"], head["status"], head["date"], head["over"])


def linked(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", text)


def overruled(decisions: dict[str, Decision]) -> set[tuple[str, str, str]]:
    """(older, verb, newer) as the older ones say it."""
    return {
        (older, VERBS[said], newer)
        for older, one in decisions.items()
        for said in VERBS
        if one.status.startswith(said)
        for newer in linked(one.status)
    }


def overruling(decisions: dict[str, Decision]) -> set[tuple[str, str, str]]:
    """The same as the newer ones say it."""
    return {
        (older, verb, newer)
        for newer, one in decisions.items()
        for verb, olders in re.findall(r"^- (\w+): (.+)$", one.over, re.MULTILINE)
        for older in linked(olders)
    }


DECISIONS = {file.name: decision(file) for file in FILES}


def test_numbers_have_no_gaps_and_are_those_of_the_file_names() -> None:
    assert [one.number for one in DECISIONS.values()] == list(range(1, len(FILES) + 1))
    assert [int(name[:4]) for name in DECISIONS] == [one.number for one in DECISIONS.values()]
    assert all(re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", name) for name in DECISIONS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_record_has_its_parts_in_order(file: Path) -> None:
    assert STATUS.fullmatch(DECISIONS[file.name].status)
    headings = re.findall(r"^## (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences"]


def test_replaced_and_replacing_records_link_to_each_other() -> None:
    assert overruled(DECISIONS) == overruling(DECISIONS)
    assert len(overruled(DECISIONS)) > 5


def test_no_record_is_replaced_by_an_older_one() -> None:
    assert all(older < newer for older, _, newer in overruled(DECISIONS))
    assert all(DECISIONS[older].date <= DECISIONS[newer].date for older, _, newer in overruled(DECISIONS))


def test_a_link_without_its_counterpart_is_found() -> None:
    older = Decision(1, "This", "superseded by [0002](0002-b.md)", "2026-01-01", "")
    newer = Decision(2, "That", "accepted", "2026-01-02", "")
    told = {"0001-a.md": older, "0002-b.md": newer}
    assert overruled(told) != overruling(told)


def test_the_index_lists_every_record() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8").splitlines()
    for name, one in DECISIONS.items():
        assert any(f"]({name})" in line and one.title in line and one.date in line for line in index), name
