"""Explanations add up, and the public ones are computed on made-up rows."""

import numpy as np
import pytest
from support import shop

from ml.explain import synthetic
from ml.explain.attribution import explain
from ml.features import schema as schemas
from ml.features.encoding import Encoding
from ml.models import model_store
from ml.privacy.seeded import SeededRandomness
from ml.privacy.statement import Budget, Unit
from ml.release import simulated

LARGEST_GAP = {"boosted_trees": 1e-4, "logistic_regression": 1e-6, "neural_network": 1e-9}


@pytest.mark.parametrize("kind", model_store.PRIVATE, ids=lambda kind: kind.name)
def test_values_and_base_sum_to_the_log_odds(kind: type) -> None:
    rng = SeededRandomness(1)
    model = kind.fit(shop.rows(1_000, seed=1), shop.ENCODING, Budget(8.0, 1e-5), Unit("row", 1), rng)  # type: ignore[attr-defined]
    x, background = synthetic.rows(shop.ENCODING, 30, rng), synthetic.rows(shop.ENCODING, 20, rng)
    explained = explain(model, x, background, shop.ENCODING)
    assert explained.values.shape == (30, len(shop.SCHEMA.features))
    assert explained.residual <= LARGEST_GAP[kind.name]  # type: ignore[attr-defined]


def test_a_feature_that_does_not_matter_gets_nothing_from_the_linear_model() -> None:
    rng = SeededRandomness(2)
    model = model_store.KINDS["logistic_regression"].fit(
        shop.rows(500, seed=2), shop.ENCODING, Budget(8.0, 0.0), Unit("row", 1), rng
    )
    x = np.tile(synthetic.rows(shop.ENCODING, 1, rng), (10, 1))
    assert np.abs(explain(model, x, x, shop.ENCODING).values).max() < 1e-12


def test_the_model_without_privacy_is_not_explained() -> None:
    rng = SeededRandomness(3)
    ceiling = model_store.NON_PRIVATE.fit(
        shop.rows(100, seed=3), shop.ENCODING, Budget(1.0, 1e-5), Unit("row", 1), rng
    )
    with pytest.raises(TypeError, match="only private models can"):
        explain(ceiling, shop.rows(5, seed=1).x, shop.rows(5, seed=2).x, shop.ENCODING)


def test_synthetic_rows_are_valid_encodings() -> None:
    x = synthetic.rows(shop.ENCODING, 200, SeededRandomness(4))
    assert ((x >= 0) & (x <= 1)).all()
    assert (x[:, shop.ENCODING.spans["device"]].sum(axis=1) == 1).all()


def test_simulated_rows_are_the_same_again_and_learnable() -> None:
    encoding = Encoding(schemas.load("vitrine-session"))
    rows, again = (simulated.rows(encoding, 600, seed=5) for _ in range(2))
    assert (rows.x == again.x).all()
    assert (rows.unit == again.unit).all()
    assert 500 < len(rows) < 600
    assert 0.1 < rows.y.mean() < 0.4
    assert len(np.unique(rows.unit)) < len(rows)
    first = np.unique(rows.unit, return_index=True)[1]
    new, returning = encoding.spans["userKind"].start, encoding.spans["userKind"].start + 1
    assert rows.x[first, new].all()
    assert not rows.x[first, returning].any()
