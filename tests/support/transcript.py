"""Two neighbouring data sets led through the same releases: what the proof of adaptive composition compares.

`Recorded` notes what a training asked noise for and what it was answered; `Replayed` gives another training
the same answers, whatever it asks. The distance of what both asked is the sensitivity, release by release.
"""

from dataclasses import dataclass

import numpy as np

from ml.privacy.randomness import Integers
from ml.privacy.seeded import SeededRandomness


@dataclass(frozen=True)
class Release:
    exact: Integers
    scale: float
    answer: Integers


class Recorded(SeededRandomness):
    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.releases: list[Release] = []

    def with_gaussian(self, values: Integers, scale: float) -> Integers:
        answer = super().with_gaussian(values, scale)
        self.releases.append(Release(values.copy(), scale, answer))
        return answer


class Replayed(Recorded):
    def __init__(self, seed: int, first: Recorded) -> None:
        super().__init__(seed)
        self._first = first

    def with_gaussian(self, values: Integers, scale: float) -> Integers:
        super().with_gaussian(values, scale)  # so that all later draws are those of the first training
        answer = self._first.releases[len(self.releases) - 1].answer
        return answer.copy()


def mu_spent(one: Recorded, other: Recorded) -> float:
    """Of Gaussian differential privacy, on this transcript: the root of the summed squares of distance over
    noise."""
    assert [release.scale for release in one.releases] == [release.scale for release in other.releases]
    return float(
        np.sqrt(
            sum(
                (np.linalg.norm(a.exact - b.exact) / a.scale) ** 2
                for a, b in zip(one.releases, other.releases, strict=True)
            )
        )
    )
