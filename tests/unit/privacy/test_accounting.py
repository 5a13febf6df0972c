"""The privacy accounting against third-party and independent accountants."""

import math

import dp_accounting
import pytest
from dp_accounting.gaussian_mechanism import get_epsilon_gaussian, get_sigma_gaussian
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant
from support import independent_accountant

from ml.models import boosted_trees, neural_network
from ml.privacy import gdp
from ml.privacy.poisson import calibrated
from ml.privacy.statement import Budget


@pytest.mark.parametrize("epsilon", [0.05, 0.5, 1.0, 4.0, 16.0])
def test_mu_is_that_of_the_analytic_gaussian_mechanism(epsilon: float) -> None:
    mu = gdp.mu_of(Budget(epsilon, 1e-5))
    assert mu == pytest.approx(1 / get_sigma_gaussian(epsilon, 1e-5), rel=1e-6)
    assert gdp.epsilon_of(mu, 1e-5) == pytest.approx(epsilon, rel=1e-6)
    assert gdp.epsilon_of(mu, 1e-5) <= epsilon
    assert gdp.epsilon_of(mu, 1e-7) == pytest.approx(get_epsilon_gaussian(1 / mu, 1e-7), rel=1e-6)


def test_gaussian_noise_without_delta_is_refused() -> None:
    with pytest.raises(ValueError, match="delta"):
        gdp.mu_of(Budget(1.0, 0.0))


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 4.0])
def test_the_trees_releases_compose_to_what_they_state(epsilon: float) -> None:
    multiplier = gdp.noise_multiplier(gdp.mu_of(Budget(epsilon, 1e-5)), boosted_trees.TREES)
    event = dp_accounting.SelfComposedDpEvent(dp_accounting.GaussianDpEvent(multiplier), boosted_trees.TREES)
    assert PLDAccountant().compose(event).get_epsilon(1e-5) == pytest.approx(epsilon, rel=2e-3)
    # RDP is sound too, and looser: it must not fall below.
    assert RdpAccountant().compose(event).get_epsilon(1e-5) >= epsilon * 0.999


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 8.0])
def test_dp_sgd_stays_within_its_budget(epsilon: float) -> None:
    budget = Budget(epsilon, 1e-5)
    plan = calibrated(budget, neural_network.SAMPLING, neural_network.STEPS)
    step = dp_accounting.PoissonSampledDpEvent(
        plan.sampling, dp_accounting.GaussianDpEvent(plan.noise_multiplier)
    )
    event = dp_accounting.SelfComposedDpEvent(step, plan.steps)
    assert 0.98 * epsilon <= PLDAccountant().compose(event).get_epsilon(1e-5) <= epsilon
    assert RdpAccountant().compose(event).get_epsilon(1e-5) >= 0.98 * epsilon


@pytest.mark.parametrize("epsilon", [1.0, 8.0])
def test_a_second_accountant_agrees(epsilon: float) -> None:
    """Bracketed from both sides by code that shares nothing with what calibrated."""
    budget = Budget(epsilon, 1e-5)
    plan = neural_network.plan_for(budget)
    trees = gdp.noise_multiplier(gdp.mu_of(budget), boosted_trees.TREES)
    for sampling, steps, multiplier in (
        (plan.sampling, plan.steps, plan.noise_multiplier),
        (1.0, boosted_trees.TREES, trees),
    ):
        lower, upper = independent_accountant.bracket(sampling, steps, multiplier, budget.delta)
        assert lower <= epsilon
        # The bracket is a grid step a release wide; within it nothing is over the claim or wasted.
        assert upper - steps * independent_accountant.STEP <= epsilon * (1 + 1e-6)
        assert upper >= 0.99 * epsilon


def test_less_noise_would_break_the_budget() -> None:
    budget = Budget(1.0, 1e-5)
    plan = calibrated(budget, 0.2, 50)
    thinner = type(plan)(plan.sampling, plan.steps, plan.noise_multiplier * 0.97)
    assert thinner.epsilon(1e-5) > budget.epsilon >= plan.epsilon(1e-5)


@pytest.mark.parametrize(
    ("epsilon", "delta"), [(0.0, 1e-5), (math.nan, 1e-5), (math.inf, 0.1), (1.0, 1.0), (1.0, -0.1)]
)
def test_impossible_budgets_are_refused(epsilon: float, delta: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        Budget(epsilon, delta)
