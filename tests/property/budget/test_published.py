"""Published figures: what one unit can move, and what they say when there is hardly any noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.features.rows import Rows
from ml.privacy.noisy_sums import GRID
from ml.privacy.privacy_loss import GaussianLoss
from ml.privacy.randomness import Integers
from ml.privacy.seeded import SeededRandomness
from ml.release import private_metrics
from ml.release.private_metrics import EDGES


class Watched(SeededRandomness):
    """Records the values to which noise is added, and the scale of the noise."""

    def __init__(self) -> None:
        super().__init__(1)
        self.hidden: list[Integers] = []
        self.scales: list[float] = []

    def with_gaussian(self, values: Integers, scale: float) -> Integers:
        self.hidden.append(values)
        self.scales.append(scale / GRID)
        return values


rows = st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.floats(-9, 9)), min_size=1, max_size=40)


def table(of: list[tuple[int, bool, float]]) -> tuple[Rows, np.ndarray]:
    unit, y, log_odds = (np.array(column) for column in zip(*of, strict=True))
    x = np.zeros((len(of), 1), dtype=np.float32)
    return Rows(x, y.astype(np.int8), unit.astype(np.int64)), log_odds.astype(np.float64)


@settings(max_examples=100)
@given(rows, st.integers(0, 5))
def test_a_unit_changes_each_histogram_by_at_most_one(of: list[tuple[int, bool, float]], gone: int) -> None:
    without = [row for row in of if row[0] != gone]
    if not without:
        return
    loss, seen = GaussianLoss(0.5), []
    for some in (of, without):
        test, log_odds = table(some)
        rng = Watched()
        private_metrics.private_metrics(test, {"a": log_odds, "b": -log_odds}, loss, rng)
        seen.append(np.concatenate(rng.hidden) / GRID)
        # Both histograms together: sqrt(2) over the noise is the mu that was paid.
        assert np.sqrt(2) / rng.scales[0] == pytest.approx(loss.mu)
    moved = (seen[0] - seen[1]).reshape(2, -1)
    assert (np.linalg.norm(moved, axis=1) <= 1 + 1e-6).all()


def test_without_noise_the_figures_are_those_of_the_binned_scores() -> None:
    rng = np.random.default_rng(3)
    y = (rng.random(20_000) < 0.2).astype(np.int8)
    log_odds = rng.normal(-1.5, 1.2, len(y)) + 1.5 * y
    test = Rows(np.zeros((len(y), 1), np.float32), y, np.arange(len(y)))
    found = private_metrics.private_metrics(test, {"a": log_odds}, GaussianLoss(100.0), Watched())["a"]
    probability = 1 / (1 + np.exp(-log_odds))
    binned = np.searchsorted(EDGES, probability, side="right")
    assert found.roc_auc == pytest.approx(roc_auc_score(y, binned), abs=1e-4)
    assert found.average_precision == pytest.approx(average_precision_score(y, binned), abs=1e-4)
    assert found.accuracy == pytest.approx(((probability >= 0.5) == y).mean(), abs=1e-4)
    assert sum(found.yes) == pytest.approx(y.sum(), abs=0.1)


def test_with_too_much_noise_there_are_no_figures() -> None:
    test, log_odds = table([(number, number % 2 == 0, 0.1) for number in range(6)])
    found = private_metrics.private_metrics(test, {"a": log_odds}, GaussianLoss(0.1), SeededRandomness(2))[
        "a"
    ]
    assert found.roc_auc is None
    assert found.accuracy is None
    assert len(found.yes) == len(EDGES) - 1


def test_the_reported_noise_is_the_actual_noise() -> None:
    rng = np.random.default_rng(4)
    y = (rng.random(3_000) < 0.3).astype(np.int8)
    log_odds = rng.normal(-1, 1, len(y)) + y
    test = Rows(np.zeros((len(y), 1), np.float32), y, np.arange(len(y)))
    found = [
        private_metrics.private_metrics(test, {"a": log_odds}, GaussianLoss(0.3), SeededRandomness(seed))["a"]
        for seed in range(200)
    ]
    measured = [one.roc_auc for one in found if one.roc_auc is not None]
    stated = [one.roc_auc_noise for one in found if one.roc_auc_noise is not None]
    assert len(measured) == len(stated) == len(found)
    assert float(np.mean(stated)) == pytest.approx(float(np.std(measured)), rel=0.25)
