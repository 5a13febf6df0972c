"""What the noisy counts of single features are turned into."""

import numpy as np
import pytest
from support import shop

from ml.models import relevance
from ml.models.relevance import BINS
from ml.privacy.seeded import SeededRandomness


def test_synthetic_rows_have_the_counted_distribution() -> None:
    rows = shop.rows(4_000, seed=1)
    found = relevance.measured(rows, np.ones(len(rows)), shop.ENCODING, 20.0, SeededRandomness(1))
    made_up = relevance.synthetic_rows(found, shop.ENCODING, 4_000, SeededRandomness(2))
    assert made_up.shape == rows.x.shape
    assert made_up.dtype == rows.x.dtype
    assert ((made_up >= 0) & (made_up <= 1)).all()
    words = ~shop.ENCODING.is_numeric
    assert made_up[:, words].mean(axis=0) == pytest.approx(rows.x[:, words].mean(axis=0), abs=0.05)
    assert made_up[:, ~words].mean(axis=0) == pytest.approx(rows.x[:, ~words].mean(axis=0), abs=1 / BINS)


def test_synthetic_rows_exist_even_without_units() -> None:
    nobody = shop.rows(1, seed=1).take(np.zeros(0, dtype=np.int64))
    found = relevance.measured(nobody, np.ones(0), shop.ENCODING, 0.1, SeededRandomness(1))
    assert np.isfinite(relevance.synthetic_rows(found, shop.ENCODING, 10, SeededRandomness(2))).all()
