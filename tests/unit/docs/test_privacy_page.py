"""docs/privacy.md names only files that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
POINTS = (
    *("definition", "ε and δ", "unit of privacy", "neighbours", "sensitivity", "composition"),
    *("post-processing", "explanations", "metrics", "tuning", "utility", "bias", "trust model"),
    *("access control", "randomness", "floating point", "timing", "side channels"),
    *("what is collected", "exposure at rest"),
)
PAGE = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")


def test_everything_named_as_a_check_exists() -> None:
    named = set(re.findall(r"`((?:ml|tests|docs|streaming)/[^`]*)`", PAGE))
    assert len(named) > 20
    assert not [name for name in named if not (ROOT / name).exists()]


def test_every_section_of_the_guidelines_is_answered() -> None:
    answered = [line.lower() for line in PAGE.splitlines() if line.startswith("| ")]
    for point in POINTS:
        assert any(point in line.split("|")[1] for line in answered), point
