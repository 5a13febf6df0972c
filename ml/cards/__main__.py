"""`python -m ml.cards [FOLDER]`: writes the card of every kind of model into docs/models."""

import sys
from pathlib import Path

from ml.cards.card import render
from ml.features import schema as schemas
from ml.features.encoding import Encoding
from ml.models import model_store
from ml.privacy import contributions
from ml.privacy.randomness import SystemRandomness
from ml.privacy.statement import Budget, Unit
from ml.release import simulated

FOLDER = Path(__file__).parents[2] / "docs" / "models"


def cards() -> dict[str, str]:
    """Returns the card of each model by file name. Statements do not depend on the rows, so a few simulated
    rows are enough."""
    encoding, randomness, unit = (
        Encoding(schemas.load("vitrine-session")),
        SystemRandomness(),
        Unit("user", 8),
    )
    rows = contributions.bounded(simulated.rows(encoding, 300, seed=1), unit.most_rows, randomness)
    budget = Budget(1.0, 1e-5)
    return {
        f"{name}.md": render(kind.fit(rows, encoding, budget, unit, randomness), encoding)
        for name, kind in model_store.KINDS.items()
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, card in cards().items():
        (folder / name).write_text(card, encoding="utf-8")
        print(folder / name)
