"""The rows that models learn from: inputs, labels and privacy units."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.features.encoding import Matrix


@dataclass(frozen=True)
class Rows:
    """Encoded rows with their labels and the unit that each belongs to."""

    x: Matrix
    """(n, width), the encoded inputs."""
    y: npt.NDArray[np.int8]
    """(n,), 1 for yes."""
    unit: npt.NDArray[np.int64]
    """(n,), equal for rows of the same privacy unit; the values have no other meaning."""

    def __post_init__(self) -> None:
        if not len(self.x) == len(self.y) == len(self.unit):
            raise ValueError("x, y and unit differ in length")

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: npt.NDArray[np.int64]) -> "Rows":
        """Returns the rows at `index`, in its order."""
        return Rows(self.x[index], self.y[index], self.unit[index])
