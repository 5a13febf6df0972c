"""No unit contributes more than allowed, whatever it sends."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.features.rows import Rows
from ml.privacy import contributions
from ml.privacy.seeded import SeededRandomness

units = st.lists(st.integers(0, 6), max_size=60)


def table(owners: list[int]) -> Rows:
    count = len(owners)
    place = np.arange(count, dtype=np.float32)[:, None]
    return Rows(place, np.zeros(count, dtype=np.int8), np.array(owners, dtype=np.int64))


@settings(deadline=None)
@given(units, st.integers(1, 5), st.integers(0, 10_000))
def test_the_bound_is_enforced_and_nothing_more_is_lost(owners: list[int], most: int, seed: int) -> None:
    kept = contributions.bounded(table(owners), most, SeededRandomness(seed))
    for owner in set(owners):
        assert (kept.unit == owner).sum() == min(most, owners.count(owner))
    places = kept.x[:, 0].astype(int).tolist()
    assert len(set(places)) == len(places)
    assert [owners[place] for place in places] == kept.unit.tolist()


@settings(deadline=None)
@given(units.filter(bool))
def test_the_weights_of_a_unit_sum_to_one(owners: list[int]) -> None:
    unit = np.array(owners, dtype=np.int64)
    weight = contributions.weights(unit)
    for owner in set(owners):
        assert np.isclose(weight[unit == owner].sum(), 1.0)


def test_every_row_of_a_unit_has_the_same_chance() -> None:
    owners = [0] * 4 + [1] * 2
    times = np.zeros(6)
    for seed in range(2_000):
        kept = contributions.bounded(table(owners), 2, SeededRandomness(seed))
        times[kept.x[:, 0].astype(int)] += 1
    assert (times[4:] == 2_000).all()
    assert np.abs(times[:4] / 2_000 - 0.5).max() < 0.06
