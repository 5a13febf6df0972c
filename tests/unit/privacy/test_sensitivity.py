"""How much a unit changes the values to which noise is added, compared with the stated sensitivity."""

import numpy as np
import pytest
from support import shop
from support.transcript import Recorded, Replayed, mu_spent

from ml.features.rows import Rows
from ml.models import neural_network
from ml.models.boosted_trees import BoostedTrees
from ml.privacy import contributions, gdp
from ml.privacy.poisson import PoissonGaussian
from ml.privacy.schema_search import search
from ml.privacy.seeded import SeededRandomness
from ml.privacy.statement import Budget, Unit

BUDGET = Budget(1.0, 1e-5)
USER = Unit("user", 4)


def crowd() -> Rows:
    """Only buyers, so that a unit that does not buy has the largest possible gradient."""
    rows = shop.rows(1_500, seed=1)
    return Rows(rows.x, np.ones_like(rows.y), rows.unit)


def with_unit(rows: Rows, x: np.ndarray, y: list[int]) -> Rows:
    stranger = np.full(len(y), -1)
    return Rows(
        np.vstack([rows.x, x.astype(np.float32)]),
        np.concatenate([rows.y, np.array(y, dtype=np.int8)]),
        np.concatenate([rows.unit, stranger]),
    )


STRANGERS = {
    "one row": (shop.rows(1, seed=5).x, [0]),
    "four alike": (np.repeat(shop.rows(1, seed=5).x, 4, axis=0), [0, 0, 0, 0]),
    "all over the place": (shop.rows(4, seed=6).x, [0, 1, 0, 1]),
    "beyond all bounds": (np.full((4, shop.ENCODING.width), 1e6), [0, 0, 0, 0]),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_the_noise_of_the_trees_covers_what_a_unit_changes(name: str) -> None:
    first, second = crowd(), with_unit(crowd(), *STRANGERS[name])
    recorded = Recorded(7)
    BoostedTrees.fit(first, shop.ENCODING, BUDGET, USER, recorded)
    replayed = Replayed(7, recorded)
    BoostedTrees.fit(second, shop.ENCODING, BUDGET, USER, replayed)
    spent, allowed = mu_spent(recorded, replayed), gdp.mu_of(BUDGET)
    assert 0 < spent <= allowed * (1 + 1e-12)  # a clipped gradient spends it to the last digit
    if name == "four alike":
        assert spent > 0.6 * allowed, "noise is wasted, or the stranger surprises nobody"


def test_a_unit_without_weights_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the test."""
    monkeypatch.setattr(contributions, "weights", lambda unit: np.ones(len(unit)))
    with pytest.raises(AssertionError):
        test_the_noise_of_the_trees_covers_what_a_unit_changes("four alike")


def test_the_noise_of_the_schema_search_covers_what_a_unit_changes() -> None:
    rng = np.random.default_rng(0)
    columns = {
        "number": [str(v) for v in np.exp(rng.normal(3, 2, 2_000))],
        "word": rng.choice(["red", "green", "blue"], 2_000).tolist(),
    }
    unit = np.arange(2_000) // 4
    shorter = {name: cells[:-4] for name, cells in columns.items()}

    def searched(table: dict[str, list[str]], unit: np.ndarray, randomness: Recorded) -> Recorded:
        search(table, "t", "1", contributions.weights(unit), BUDGET, USER, randomness)
        return randomness

    recorded = searched(columns, unit, Recorded(1))
    replayed = searched(shorter, unit[:-4], Replayed(1, recorded))
    # Half of delta is for words of one unit alone.
    assert 0 < mu_spent(recorded, replayed) <= gdp.mu_of(Budget(BUDGET.epsilon, BUDGET.delta / 2))


def test_the_network_clips_a_unit_as_a_whole() -> None:
    """One step over everybody, next to no noise: with and without the unit."""
    plan = PoissonGaussian(sampling=1.0, steps=1, noise_multiplier=1e-9)

    def sums(rows: Rows) -> np.ndarray:
        trained = neural_network.train(rows, shop.ENCODING, plan, USER, SeededRandomness(3))
        return np.asarray(trained.noisy_sums[0])

    rows = crowd().take(np.arange(100))
    without = sums(rows)
    moved = {
        name: np.linalg.norm(sums(with_unit(rows, *STRANGERS[name])) - without)
        for name in ("four alike", "beyond all bounds")
    }
    # Sums of a hundred vectors in 32 bits differ by a few millionths.
    assert max(moved.values()) <= neural_network.CLIP_NORM * (1 + 1e-4)
    assert moved["four alike"] > 0.9 * neural_network.CLIP_NORM, "this unit should have been clipped"


def test_the_network_gets_the_noise_of_its_plan() -> None:
    plan = neural_network.plan_for(BUDGET)
    one = crowd().take(np.zeros(1, dtype=np.int64))  # moves a sum by a thousandth of the noise's length
    noise = neural_network.train(one, shop.ENCODING, plan, USER, SeededRandomness(4)).noisy_sums
    expected = plan.noise_multiplier * neural_network.CLIP_NORM
    assert noise.std() == pytest.approx(expected, rel=5 / np.sqrt(2 * noise.size))
    # Fresh in each step and for each parameter.
    correlation = np.asarray(np.corrcoef(noise))
    assert np.abs(correlation[np.triu_indices(len(noise), 1)]).max() < 8 / np.sqrt(noise.shape[1])
