"""The learner's view of a table: inputs, labels, and whose each row is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.features.encoding import Matrix


@dataclass(frozen=True)
class Rows:
    """Examples to learn from, with the unit that each belongs to."""

    x: Matrix
    """(n, width), the encoded inputs."""
    y: npt.NDArray[np.int8]
    """(n,), 1 is yes."""
    unit: npt.NDArray[np.int64]
    """(n,), equal for rows of the same unit of privacy; the values mean nothing."""

    def __post_init__(self) -> None:
        if not len(self.x) == len(self.y) == len(self.unit):
            raise ValueError("x, y and unit differ in length")

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: npt.NDArray[np.int64]) -> "Rows":
        """The rows at `index`, in its order."""
        return Rows(self.x[index], self.y[index], self.unit[index])
