"""Generates docs/decisions/README.md: the list of the decision records, from the head of each."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

HEAD = """\
# Decisions

Each decision has one short, dated record. A record is not rewritten: a later one may replace it, and then
each links to the other.
`./vitrine generate` makes this list from the head of each record: `# N. Title`, `- Status: …`, `- Date: …`.

| no. | decision | status | date |
|---|---|---|---|
"""
_TITLE = re.compile(r"# (\d+)\. (.+)")
_ENTRY = re.compile(r"- (Status|Date): (.+)")


class Decision(NamedTuple):
    """The head of one record."""

    number: int
    title: str
    status: str
    date: str
    file: str


def records(folder: Path) -> list[Decision]:
    """Returns the records NNNN-….md in `folder`, in order. Raises ValueError, naming the file, if a head
    cannot be read or has another number than its file."""
    return [read(path.name, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("[0-9]*-*.md"))]


def read(file: str, text: str) -> Decision:
    """Returns the head of the record `file` with the content `text`. Raises ValueError."""
    title = _TITLE.fullmatch(text.partition("\n")[0])
    head = text.partition("\n## ")[0]
    entries = {found[1]: found[2] for line in head.splitlines() if (found := _ENTRY.fullmatch(line))}
    if title is None or entries.keys() != {"Status", "Date"}:
        raise ValueError(f"{file} does not begin with `# N. Title`, `- Status: …` and `- Date: …`")
    if int(title[1]) != int(file.partition("-")[0]):
        raise ValueError(f"{file} has the number {title[1]} in its title")
    return Decision(int(title[1]), title[2], entries["Status"], entries["Date"], file)


def index(decisions: Iterable[Decision]) -> str:
    """Returns the page."""
    return HEAD + "".join(
        f"| {one.number} | [{_cell(one.title)}]({one.file}) | {_cell(one.status)} | {_cell(one.date)} |\n"
        for one in decisions
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
