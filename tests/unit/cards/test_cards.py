"""The cards in docs/models match the code."""

import re

import pytest

from ml.cards.__main__ import FOLDER, cards
from ml.cards.card import FACTS
from ml.models import model_store


@pytest.fixture(scope="module")
def fresh() -> dict[str, str]:
    return cards()


def test_cards_are_up_to_date(fresh: dict[str, str]) -> None:
    stored = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    assert stored == fresh, "the code's statements changed: run python -m ml.cards"


def test_every_kind_of_model_has_one(fresh: dict[str, str]) -> None:
    assert FACTS.keys() == model_store.KINDS.keys() == {name.removesuffix(".md") for name in fresh}
    for name, card in fresh.items():
        heads = re.findall(r"^## (.*)$", card, re.MULTILINE)
        assert heads == [
            "Intended use", "Data", "Training", "Privacy", "Figures", "Limits", "Fairness", "How to load",
        ]  # fmt: skip
        private = model_store.KINDS[name.removesuffix(".md")] in model_store.PRIVATE
        assert ("**No guarantee.**" in card) is not private
        assert ("Not yet proven" in card) is private


def test_the_lines_that_load_a_model_are_right(fresh: dict[str, str]) -> None:
    """Runs the lines until they fail on the run's folder, which does not exist."""
    for card in fresh.values():
        [lines] = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
        with pytest.raises(FileNotFoundError, match="/RUN/"):
            exec(lines, {})
