"""Dice that note what leaves a training."""

from dataclasses import dataclass, field

from ml.privacy.randomness import Floats, Integers, Randomness


@dataclass
class Observed:
    """Throws the dice it is given, and keeps all that was blurred with them: the releases of the proof."""

    dice: Randomness
    seed: int | None = None
    released: list[Integers] = field(default_factory=list)
    scales: list[float] = field(default_factory=list)
    """The standard deviations that the training asked for."""

    def uniform(self, count: int) -> Floats:
        return self.dice.uniform(count)

    def normal(self, count: int) -> Floats:
        return self.dice.normal(count)

    def with_gaussian(self, values: Integers, scale: float) -> Integers:
        noisy = self.dice.with_gaussian(values, scale)
        self.released.append(noisy)
        self.scales.append(scale)
        return noisy
