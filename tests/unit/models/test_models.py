"""All models through their common interface, and what is specific to each."""

import json
from pathlib import Path

import numpy as np
import pytest
import xgboost
from sklearn.metrics import roc_auc_score
from support import shop

from ml.features.rows import Rows
from ml.models import boosted_trees, model_store, neural_network, relevance
from ml.models.boosted_trees import BoostedTrees
from ml.models.interface import Model
from ml.models.laplace_baseline import with_laplace_noise
from ml.models.logistic_regression import LogisticRegression
from ml.models.random_trees import grow
from ml.privacy import contributions
from ml.privacy.noisy_sums import noisy_sums
from ml.privacy.randomness import SystemRandomness
from ml.privacy.seeded import SeededRandomness
from ml.privacy.statement import Budget, Unit

BUDGET = Budget(4.0, 1e-5)
USER = Unit("user", 3)
EVERY = list(model_store.KINDS.values())


@pytest.fixture(scope="module")
def trained() -> dict[str, Model]:
    bounded = contributions.bounded(shop.rows(3_000, seed=1, per_user=2), 3, SeededRandomness(0))
    return {kind.name: kind.fit(bounded, shop.ENCODING, BUDGET, USER, SeededRandomness(2)) for kind in EVERY}


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.name)
def test_a_saved_model_comes_back_the_same(
    kind: type[Model], trained: dict[str, Model], tmp_path: Path
) -> None:
    x = shop.rows(500, seed=3).x
    model_store.save(trained[kind.name], tmp_path)
    again = model_store.load(kind.name, tmp_path)
    assert np.array_equal(again.log_odds(x), trained[kind.name].log_odds(x))
    assert again.statement == trained[kind.name].statement
    assert model_store.names(tmp_path) == [kind.name]


@pytest.mark.parametrize("kind", [*model_store.PRIVATE, model_store.NON_PRIVATE], ids=lambda kind: kind.name)
def test_learns(kind: type[Model], trained: dict[str, Model]) -> None:
    test = shop.rows(1_000, seed=4)
    assert roc_auc_score(test.y, trained[kind.name].log_odds(test.x)) > 0.85


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.name)
def test_the_statement_has_the_requested_budget_and_unit(
    kind: type[Model], trained: dict[str, Model]
) -> None:
    statement = trained[kind.name].statement
    if kind in model_store.PRIVATE:
        assert statement.private
        assert statement.epsilon == BUDGET.epsilon
        assert statement.delta in (0.0, BUDGET.delta)
        assert statement.unit == "user"
        assert statement.not_yet_proven
    else:
        assert not statement.private
        assert statement.epsilon is None


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.name)
@pytest.mark.parametrize("count", [0, 2, 10])
@pytest.mark.parametrize("label", [0, 1])
def test_few_rows_of_one_class_make_a_sane_model(kind: type[Model], count: int, label: int) -> None:
    few = shop.rows(count, seed=5)
    same = Rows(few.x, np.full(count, label, dtype=np.int8), few.unit)
    model = kind.fit(same, shop.ENCODING, Budget(1.0, 1e-5), Unit("row", 1), SeededRandomness(6))
    assert np.isfinite(model.log_odds(shop.rows(50, seed=7).x)).all()


def test_xgboost_loads_the_trees_and_predicts_the_same(trained: dict[str, Model], tmp_path: Path) -> None:
    model = trained["boosted_trees"]
    x = shop.rows(500, seed=8).x
    model.save(tmp_path)
    booster = xgboost.Booster()
    booster.load_model(tmp_path / "model.json")
    assert booster.num_boosted_rounds() == boosted_trees.TREES
    margin = booster.predict(xgboost.DMatrix(x), output_margin=True)
    assert np.allclose(margin, model.log_odds(x), atol=1e-5)
    # And by hand from the file, so that both do not err alike.
    trees = json.loads((tmp_path / "model.json").read_text())["learner"]["gradient_booster"]["model"]["trees"]
    assert np.allclose([_walk(trees, row) for row in x[:20]], margin[:20], atol=1e-4)


def _walk(trees: list[dict[str, list[float]]], row: np.ndarray) -> float:
    total = 0.0
    for tree in trees:
        node = 0
        while tree["left_children"][node] != -1:
            yes = row[int(tree["split_indices"][node])] >= np.float32(tree["split_conditions"][node])
            node = int(tree["right_children" if yes else "left_children"][node])
        total += tree["split_conditions"][node]
    return total


def test_a_tree_is_complete_and_splits_within_the_public_bounds() -> None:
    tree = grow(shop.ENCODING, relevance.public_shares(shop.ENCODING), 4, SeededRandomness(9))
    assert len(tree.feature) == len(tree.threshold) == 15
    assert ((tree.threshold >= 0) & (tree.threshold <= 1)).all()
    leaves = tree.leaf(shop.rows(2_000, seed=10).x)
    assert leaves.min() >= 0
    assert leaves.max() < 16


def test_a_unit_changes_the_leaf_sums_by_at_most_the_stated_bound() -> None:
    class NoNoise(SeededRandomness):
        def with_gaussian(self, values, scale):  # type: ignore[no-untyped-def]
            return values

    rng = np.random.default_rng(0)
    for rows_of_unit in (1, 3, 8):
        weight = contributions.weights(np.zeros(rows_of_unit, dtype=np.int64))
        for leaf in (np.zeros(rows_of_unit, dtype=np.int64), rng.integers(0, 16, rows_of_unit)):
            gradient = rng.choice([-boosted_trees.CLIP, boosted_trees.CLIP], rows_of_unit)
            sums = noisy_sums((gradient * weight)[None], leaf, 16, 1.0, NoNoise(0))
            assert np.linalg.norm(sums) <= boosted_trees.CLIP + 1e-12


def test_the_deciding_feature_gets_the_largest_share() -> None:
    rows = shop.rows(4_000, seed=1)
    decided = Rows(rows.x, (rows.x[:, 0] > 0.5).astype(np.int8), rows.unit)
    found = relevance.measured(decided, np.ones(len(rows)), shop.ENCODING, 0.3, SeededRandomness(2))
    assert found.shares.sum() == pytest.approx(1)
    assert found.shares[0] > 0.5
    assert found.units == pytest.approx(4_000, rel=0.1)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_without_rows_the_shares_are_the_public_ones(count: int) -> None:
    few = shop.rows(max(count, 1), seed=1).take(np.arange(count))
    found = relevance.measured(few, np.ones(count), shop.ENCODING, 0.01, SeededRandomness(2))
    assert found.units >= 1
    assert (found.shares > 0).all()
    assert found.shares.sum() == pytest.approx(1)


def test_logistic_regression_gives_its_learner_rows_in_the_unit_ball(trained: dict[str, Model]) -> None:
    model = trained["logistic_regression"]
    assert isinstance(model, LogisticRegression)
    extreme = np.ones((5, shop.ENCODING.width), dtype=np.float32)
    assert (np.linalg.norm(model.scaled(extreme), axis=1) <= 1).all()


def test_network_refuses_units_that_were_not_bounded() -> None:
    with pytest.raises(ValueError, match="bound contributions first"):
        neural_network._by_unit(shop.rows(20, seed=1, per_user=4), most=3)


def test_laplace_noise_has_the_scale_it_states() -> None:
    x = np.full((40_000, shop.ENCODING.width), 0.5, dtype=np.float32)
    blurred = with_laplace_noise(x, shop.ENCODING, epsilon=20.0, randomness=SeededRandomness(1))
    share = blurred[:, 1]
    assert np.abs(share - 0.5).mean() == pytest.approx(1 / 20.0, rel=0.05)
    assert np.array_equal(blurred[:, 2:], x[:, 2:])


def test_the_same_seed_trains_the_same_trees_and_the_system_never_does() -> None:
    few = shop.rows(200, seed=1)
    x = few.x[:20]

    def say(seed: int | None) -> np.ndarray:
        rng = SystemRandomness() if seed is None else SeededRandomness(seed)
        return BoostedTrees.fit(few, shop.ENCODING, BUDGET, Unit("row", 1), rng).log_odds(x)

    assert np.array_equal(say(1), say(1))
    assert not np.array_equal(say(None), say(None))
