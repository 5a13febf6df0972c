"""Every relative link of every Markdown file leads to an existing file and heading."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILES = sorted(
    file
    for file in ROOT.rglob("*.md")
    if not any(part.startswith(".") for part in file.relative_to(ROOT).parts)
)
LINK = re.compile(r"\[[^\]]*\]\(\s*([^)\s]+)\s*\)")


def outside_code(text: str) -> str:
    """Returns the text without code, where brackets are no links and `#` is no heading."""
    return re.sub(r"`[^`\n]*`", "`code`", fenced_out(text))


def fenced_out(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


@cache
def anchors(file: Path) -> frozenset[str]:
    """As GitHub makes them: lower case, no punctuation, a hyphen for each space, a number for repeats."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#+ +(.+?) *$", fenced_out(file.read_text(encoding="utf-8")), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w -]", "", plain.lower()).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return frozenset(found)


def broken(file: Path, text: str) -> list[str]:
    """Returns the broken links of `text`, as if it were the content of `file`."""
    wrong = []
    for link in LINK.findall(outside_code(text)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        is_there = target.exists() and target.is_relative_to(ROOT)
        if not is_there or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


def test_the_documents_are_found() -> None:
    names = {str(file.relative_to(ROOT)) for file in FILES}
    assert {"README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/decisions/README.md"} <= names


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere(file: Path) -> None:
    assert broken(file, file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "link", ["nowhere.md", "docs/", "#no-such-heading", "runbook.md#no-such-heading", "../../../etc/passwd"]
)
def test_a_link_that_leads_nowhere_is_found(link: str) -> None:
    assert broken(ROOT / "docs" / "architecture.md", f"see [this]({link})") == [link]


def test_good_links_are_accepted() -> None:
    text = "[a](runbook.md#flinks-page) [b](#packages) [c](models/) [d](https://example.org/x#y) `[e](f)`"
    assert broken(ROOT / "docs" / "architecture.md", text) == []


def test_files_that_the_notice_names_are_there() -> None:
    named = re.findall(
        r"^((?:[\w.-]+/)+[\w.-]+)$", (ROOT / "NOTICE").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(named) >= 3
    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_glossary_has_each_word_once() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = Counter(re.findall(r"^\| \*\*(.+?)\*\* \|", glossary, re.MULTILINE))
    assert len(words) > 50
    assert not [word for word, times in words.items() if times > 1]
