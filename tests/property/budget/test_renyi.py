"""The filter's arithmetic against dp-accounting."""

import math

import dp_accounting
import pytest
from dp_accounting import NeighboringRelation
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant, compute_epsilon
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.privacy import renyi
from ml.privacy.poisson import PoissonGaussian
from ml.privacy.privacy_loss import GaussianLoss, PrivacyLoss, PureLoss, epsilon_together
from ml.privacy.renyi import ORDERS

DELTA = 1e-5
losses = st.one_of(
    st.builds(GaussianLoss, st.floats(0.01, 3)),
    st.builds(PureLoss, st.floats(0.01, 4)),
    st.builds(PoissonGaussian, st.floats(0.01, 0.5), st.integers(1, 300), st.floats(1, 20)),
)


def accountant(loss: PrivacyLoss) -> RdpAccountant:
    """Of one mechanism, by dp-accounting."""
    if isinstance(loss, GaussianLoss):
        return RdpAccountant(ORDERS).compose(dp_accounting.GaussianDpEvent(1 / loss.mu))
    if isinstance(loss, PureLoss):
        flip = 2 / (1 + math.exp(loss.epsilon))
        event = dp_accounting.RandomizedResponseDpEvent(flip, 2)
        return RdpAccountant(ORDERS, NeighboringRelation.REPLACE_ONE).compose(event)
    assert isinstance(loss, PoissonGaussian)
    step = dp_accounting.PoissonSampledDpEvent(
        loss.sampling, dp_accounting.GaussianDpEvent(loss.noise_multiplier)
    )
    return RdpAccountant(ORDERS).compose(dp_accounting.SelfComposedDpEvent(step, loss.steps))


@settings(max_examples=40)
@given(losses)
def test_curves_are_those_of_the_accountant(loss: PrivacyLoss) -> None:
    assert loss.curve() == pytest.approx(accountant(loss).rdp, rel=1e-6, abs=1e-9)


@settings(max_examples=40)
@given(st.lists(losses, min_size=1, max_size=5), st.floats(1e-9, 1e-2))
def test_epsilon_is_the_accountants_with_each_orders_share_of_delta(
    run: list[PrivacyLoss], delta: float
) -> None:
    spent = renyi.total([loss.curve() for loss in run])
    oracle = sum(accountant(loss).rdp for loss in run)
    expected, _ = compute_epsilon(ORDERS, oracle, delta / len(ORDERS))
    assert renyi.epsilon_of(spent, delta) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@settings(max_examples=12)
@given(st.lists(losses, min_size=1, max_size=3))
def test_the_filter_is_never_below_the_tight_sum_of_a_plan(run: list[PrivacyLoss]) -> None:
    """Privacy loss distributions are exact for a plan fixed beforehand: the filter, sound for more, may only
    ask for more."""
    spent = renyi.total([loss.curve() for loss in run])
    # What the distributions round up by, in each mechanism and in each of its steps.
    steps = sum(loss.steps if isinstance(loss, PoissonGaussian) else 1 for loss in run)
    assert epsilon_together(run, DELTA) <= renyi.epsilon_of(spent, DELTA) + 1e-4 * steps + 0.01


@given(losses, st.integers(1, 4))
def test_a_group_loses_no_less_than_one(loss: PrivacyLoss, units: int) -> None:
    assert all(
        many >= one * (1 - 1e-9) for many, one in zip(loss.of_group(units).curve(), loss.curve(), strict=True)
    )
    assert loss.of_group(1).curve() == pytest.approx(loss.curve())


def test_a_group_in_poisson_steps_against_the_mixture_of_gaussians() -> None:
    units, interval = 2, 1e-2
    loss = PoissonGaussian(0.2, 1, 1.0)
    chances = [math.comb(units, k) * 0.2**k * 0.8 ** (units - k) for k in range(units + 1)]
    event = dp_accounting.dp_event.MixtureOfGaussiansDpEvent(
        loss.noise_multiplier, list(map(float, range(units + 1))), chances
    )
    exact = PLDAccountant(value_discretization_interval=interval).compose(event).get_epsilon(DELTA)
    assert epsilon_together([loss.of_group(units)], DELTA) >= exact - interval


@given(st.lists(losses, max_size=6), st.floats(0.5, 10))
def test_the_odometer_never_decreases_and_never_shows_less_than_was_spent(
    run: list[PrivacyLoss], step: float
) -> None:
    spent, before = renyi.NOTHING, 0
    for loss in run:
        spent = renyi.total([spent, loss.curve()])
        level = renyi.odometer(spent, step, DELTA)
        assert level >= before
        assert level * step >= renyi.epsilon_of(spent, DELTA)
        before = level


def test_the_odometers_deltas_sum_to_delta() -> None:
    assert sum(renyi._share(level, DELTA) for level in range(1, 100_000)) < DELTA
