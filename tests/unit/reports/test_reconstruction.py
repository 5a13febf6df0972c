"""The public report tells of nobody: who attacks it learns no more than who has never seen it. And the attack
is sharp: it finds nearly everything in a report that was wrongly made over real rows.
"""

from typing import Any

import numpy as np
import pytest
from support import reconstruction
from support.reconstruction import Row

from ml.explain import synthetic
from ml.explain.attribution import explain
from ml.features import schema as schemas
from ml.features.encoding import Encoding, Matrix
from ml.features.rows import Rows
from ml.features.schema import Feature
from ml.models import model_store
from ml.privacy import contributions
from ml.privacy.seeded import SeededRandomness
from ml.privacy.statement import Budget, Unit
from ml.release import simulated
from ml.reports import content

ENCODING = Encoding(schemas.load("vitrine-session"))
FEATURES = ENCODING.schema.features
HIDDEN = [f for f in FEATURES if f.name in ("country", "topCategory", "cartValueCents", "maxPriceViewed")]
TARGETS = 300
REPORTS = 4
CHANCE = 3 * np.sqrt(0.25 / TARGETS)
"""Three standard errors of a share, at most."""


@pytest.fixture(scope="module")
def shop() -> dict[str, Any]:
    """Visitors whom a private model learned from, others of the same shop, and what everyone may know."""
    rng, unit = SeededRandomness(1), Unit("user", 8)
    learned_from, others = (
        contributions.bounded(part, unit.most_rows, rng)
        for part in halves(simulated.rows(ENCODING, 4_000, seed=11))
    )
    model = model_store.KINDS["logistic_regression"].fit(learned_from, ENCODING, Budget(1.0, 1e-5), unit, rng)
    return {
        "model": model,
        "visitors": learned_from.x[:TARGETS],
        "strangers": others.x[:TARGETS],
        "public": as_rows(simulated.rows(ENCODING, 3_000, seed=13).x),
        "rng": rng,
    }


def halves(rows: Rows) -> tuple[Rows, Rows]:
    """Users learned from and users of the same shop that the model has not seen."""
    return rows.take(np.flatnonzero(rows.unit % 2 == 0)), rows.take(np.flatnonzero(rows.unit % 2))


def as_rows(x: Matrix) -> list[Row]:
    """Rows as the report's CSV shows them."""
    return content.table(ENCODING, x, {})


def report_over(shop: dict[str, Any], x: Matrix) -> list[Row]:
    """What is published where the rows `x` are explained."""
    background = synthetic.rows(ENCODING, 32, shop["rng"])
    return content.table(ENCODING, x, {"m": explain(shop["model"], x, background, ENCODING)})


def found(published: list[Row], targets: list[Row], hidden: Feature) -> float:
    guessed = reconstruction.from_report(published, targets, hidden, FEATURES)
    return reconstruction.success(guessed, targets, hidden)


def baseline(shop: dict[str, Any], targets: list[Row], hidden: Feature) -> float:
    """Without any report."""
    guessed = reconstruction.from_marginals(shop["public"], targets, hidden)
    return reconstruction.success(guessed, targets, hidden)


@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda feature: feature.name)
def test_the_public_report_does_not_help_an_attacker_to_guess(shop: dict[str, Any], hidden: Feature) -> None:
    visitors, strangers = as_rows(shop["visitors"]), as_rows(shop["strangers"])
    reports = [report_over(shop, synthetic.rows(ENCODING, 400, shop["rng"])) for _ in range(REPORTS)]
    against, elsewhere = (
        np.mean([found(published, people, hidden) for published in reports])
        for people in (visitors, strangers)
    )
    assert against <= baseline(shop, visitors, hidden) + CHANCE
    # Nor does it help more against those whom the model learned from than against others.
    assert against <= elsewhere + np.sqrt(2) * CHANCE


@pytest.mark.parametrize("hidden", HIDDEN, ids=lambda feature: feature.name)
def test_the_attack_works_on_a_report_over_real_rows(shop: dict[str, Any], hidden: Feature) -> None:
    visitors = as_rows(shop["visitors"])
    leak = report_over(shop, shop["visitors"])
    assert found(leak, visitors, hidden) >= 0.9 > baseline(shop, visitors, hidden) + CHANCE
