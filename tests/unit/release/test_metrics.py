"""Figures worked out by hand."""

import numpy as np
import pytest

from ml.release.metrics import calibration_error, measure


def test_perfect_and_upside_down() -> None:
    y = np.array([0, 0, 1, 1], dtype=np.int8)
    good = measure(y, np.array([-9.0, -8.0, 8.0, 9.0]))
    assert (good.roc_auc, good.average_precision, good.accuracy, good.f1) == (1.0, 1.0, 1.0, 1.0)
    assert good.calibration_error < 0.001
    assert measure(y, np.array([9.0, 8.0, -8.0, -9.0])).roc_auc == 0.0


def test_one_class_has_no_ranking() -> None:
    one = measure(np.zeros(5, dtype=np.int8), np.zeros(5))
    assert (one.roc_auc, one.average_precision, one.f1) == (None, None, 0.0)


def test_calibration_error_is_the_mean_gap() -> None:
    y = np.array([1, 0] * 50, dtype=np.int8)
    assert calibration_error(y, np.full(100, 0.7)) == pytest.approx(0.2)
