"""The public report tells of nobody: who attacks it learns no more than who has never seen it. And the attack
is sharp: it finds nearly everything in a report that was wrongly made over real rows.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import reconstruction
from reconstruction import Row

from ml.explain import synthetic
from ml.explain.attribution import explain
from ml.features import schema as schemas
from ml.features.encoding import Encoding, Matrix
from ml.features.schema import Feature
from ml.models import shelf
from ml.privacy import contributions
from ml.privacy.seeded import SeededRandomness
from ml.privacy.statement import Budget, Unit
from ml.reports import content
from ml.training import simulated

ENCODING = Encoding(schemas.load("vitrine-session"))
FEATURES = ENCODING.schema.features
HIDDEN = [f for f in FEATURES if f.name in ("country", "topCategory", "cartValueCents", "hour")]
TARGETS = 300


@pytest.fixture(scope="module")
def shop() -> dict[str, Any]:
    """Visitors whom a private model learned from, others of the same shop, and what everyone may know."""
    dice, unit = SeededRandomness(1), Unit("user", 8)
    visitors = simulated.rows(ENCODING, 3_000, seed=11)
    learned_from = contributions.bounded(visitors, unit.most_rows, dice)
    model = shelf.KINDS["logistic_regression"].fit(learned_from, ENCODING, Budget(1.0, 1e-5), unit, dice)
    return {
        "model": model,
        "visitors": learned_from.x[:TARGETS],
        "strangers": simulated.rows(ENCODING, 600, seed=12).x[:TARGETS],
        "public": as_rows(simulated.rows(ENCODING, 3_000, seed=13).x),
        "dice": dice,
    }


def as_rows(x: Matrix) -> list[Row]:
    """Rows as the report's CSV shows them."""
    return content.table(ENCODING, x, {})


def report_over(shop: dict[str, Any], x: Matrix) -> list[Row]:
    """What is published where the rows `x` are explained."""
    background = synthetic.rows(ENCODING, 32, shop["dice"])
    return content.table(ENCODING, x, {"m": explain(shop["model"], x, background, ENCODING)})


def attack(published: list[Row], hidden: Feature) -> Callable[[Row], Any]:
    return partial(_guess, published, hidden)


def _guess(published: list[Row], hidden: Feature, target: Row) -> Any:
    return reconstruction.guess(published, target, hidden, FEATURES)


@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda feature: feature.name)
def test_the_public_report_helps_nobody_to_guess(shop: dict[str, Any], hidden: Feature) -> None:
    targets = as_rows(shop["visitors"])
    published = report_over(shop, synthetic.rows(ENCODING, 400, shop["dice"]))
    blind = reconstruction.from_marginals(shop["public"], hidden)
    baseline = reconstruction.success(targets, hidden, lambda _: blind)
    found = reconstruction.success(targets, hidden, attack(published, hidden))
    chance = 3 * np.sqrt(0.25 / TARGETS)  # three standard errors of a share, at most
    assert found <= baseline + chance
    # Nor does it help more against those whom the model learned from than against others.
    elsewhere = reconstruction.success(as_rows(shop["strangers"]), hidden, attack(published, hidden))
    assert found <= elsewhere + chance


@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda feature: feature.name)
def test_a_report_over_real_rows_would_be_found_out(shop: dict[str, Any], hidden: Feature) -> None:
    targets = as_rows(shop["visitors"])
    leak = report_over(shop, shop["visitors"])
    blind = reconstruction.from_marginals(shop["public"], hidden)
    baseline = reconstruction.success(targets, hidden, lambda _: blind)
    found = reconstruction.success(targets, hidden, attack(leak, hidden))
    assert found >= 0.9 > baseline + 3 * np.sqrt(0.25 / TARGETS)
