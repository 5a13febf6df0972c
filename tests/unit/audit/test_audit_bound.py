"""The arithmetic of one-run auditing: in closed form, against jax-privacy's, and against mechanisms whose
epsilon is known."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from jax_privacy.auditing import CanaryScoreAuditor, Explicit
from scipy.stats import binom

from ml.audit.attack import decoded
from ml.audit.bound import Guesses, guessed, lower_bound, p_value

CASES = [Guesses(1_000, 1_000, 900), Guesses(1_000, 200, 180), Guesses(5_000, 100, 100), Guesses(100, 50, 30)]


@pytest.mark.parametrize("count", [1, 20, 200, 5_000])
def test_a_bound_without_errors_is_limited_by_the_number_of_guesses(count: int) -> None:
    """All r right: p = (e^eps / (1 + e^eps))^r, so the bound is the log-odds of .05^(1/r)."""
    chance = 0.05 ** (1 / count)
    expected = max(0.0, math.log(chance / (1 - chance)))
    assert lower_bound(Guesses(count, count, count), 0.0, 0.95) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("seen", CASES, ids=str)
@pytest.mark.parametrize("delta", [1e-9, 1e-5, 1e-2])
def test_the_bound_is_jax_privacys(seen: Guesses, delta: float) -> None:
    """jax-privacy's auditor takes scores; its guesses are those above the threshold."""
    held_in = np.ones(seen.correct)
    held_out = np.repeat([1.0, 0.0], [seen.guesses - seen.correct, seen.canaries - seen.guesses])
    expected = CanaryScoreAuditor(held_in, held_out).epsilon_one_run(
        0.05, delta, threshold_strategy=Explicit(0.5)
    )
    assert lower_bound(seen, delta, 0.95) == pytest.approx(expected, abs=1e-4)


def test_the_p_value_is_the_theorem_summed_by_hand() -> None:
    seen, epsilon, delta = Guesses(50, 10, 8), 0.7, 1e-3
    chance = math.exp(epsilon) / (1 + math.exp(epsilon))
    pmf = [binom.pmf(k, 10, chance) for k in range(11)]
    alpha = max(sum(pmf[8 - i : 8]) / i for i in range(1, 9))
    assert p_value(seen, epsilon, delta) == pytest.approx(sum(pmf[8:]) + 2 * 50 * delta * alpha)


def _randomised_response(epsilon: float, delta: float, seed: int) -> Guesses:
    """Each coin told truly with the odds e^epsilon, and with probability delta in plain sight. (epsilon,
    delta)-private, and nothing tells more."""
    rng = np.random.default_rng(seed)
    included = rng.random(2_000) < 0.5
    true = rng.random(2_000) < delta + (1 - delta) / (1 + math.exp(-epsilon))
    said = np.where(true, included, ~included)
    return guessed(included, said + rng.random(2_000) / 2, 500)


@pytest.mark.parametrize(("epsilon", "delta"), [(0.5, 0.0), (1.0, 1e-5), (3.0, 1e-5)])
def test_randomised_response_is_bounded_closely_and_rarely_from_above(epsilon: float, delta: float) -> None:
    tries = 300
    bounds = np.array(
        [lower_bound(_randomised_response(epsilon, delta, seed), delta, 0.95) for seed in range(tries)]
    )
    above = int((bounds > epsilon).sum())
    assert binom.sf(above - 1, tries, 0.05) > 1e-4, f"{above} of {tries} bounds are too high"
    assert np.median(bounds) > 0.75 * epsilon


def test_the_highest_scores_are_guessed_in_and_the_lowest_out() -> None:
    included: npt.NDArray[np.bool_] = np.array([True, False, True, False, True, False])
    scores = np.array([0.9, 0.1, 0.8, 0.2, 0.3, 0.7])
    assert guessed(included, scores, 2) == Guesses(6, 4, 4)
    assert guessed(included, -scores, 2) == Guesses(6, 4, 0)
    with pytest.raises(ValueError, match="guesses"):
        guessed(included, scores, 4)
    with pytest.raises(ValueError, match="right"):
        Guesses(10, 4, 5)


def test_decoding_separates_canaries_that_overlap() -> None:
    rng = np.random.default_rng(3)
    adds = rng.normal(size=(400, 50)) + 1.0  # all have much in common
    coin = rng.random(50) < 0.5
    seen = adds @ coin + rng.normal(0, 2.0, 400)
    told = decoded(adds.T @ adds, adds.T @ seen, 4.0)
    assert (told[coin].min()) > told[~coin].max()
