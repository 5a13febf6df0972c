"""A source of randomness that records what a training releases."""

from dataclasses import dataclass, field

from ml.privacy.randomness import Floats, Integers, Randomness


@dataclass
class Observed:
    """Draws from `randomness` and keeps every noisy result: what the model's proof treats as released."""

    randomness: Randomness
    seed: int | None = None
    released: list[Integers] = field(default_factory=list)
    scales: list[float] = field(default_factory=list)
    """The standard deviation of the noise of each release."""

    def uniform(self, count: int) -> Floats:
        return self.randomness.uniform(count)

    def normal(self, count: int) -> Floats:
        return self.randomness.normal(count)

    def with_gaussian(self, values: Integers, scale: float) -> Integers:
        noisy = self.randomness.with_gaussian(values, scale)
        self.released.append(noisy)
        self.scales.append(scale)
        return noisy
