"""Divides a MinHash signature into bands, so that few similar pairs are missed. Pure arithmetic."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Banding:
    """Uses `bands` x `rows` signature entries; two users become candidates if a whole band agrees."""

    bands: int
    rows: int

    def recall(self, jaccard: float) -> float:
        """Returns the probability that two sets of this Jaccard similarity agree in at least one band
        (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4.2)."""
        return 1 - float(1 - jaccard**self.rows) ** self.bands


def banding(permutations: int, threshold: float, recall: float = 0.99) -> Banding:
    """Returns the longest bands (with the fewest false candidates) that find a pair at `threshold` with a
    probability of at least `recall`; for more similar pairs it is higher.

    Raises ValueError if even bands of one entry do not reach it.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}; it must be a Jaccard similarity above 0 and up to 1")
    for rows in range(permutations // 2, 0, -1):  # datasketch needs at least two bands
        candidate = Banding(permutations // rows, rows)
        if candidate.recall(threshold) >= recall:
            return candidate
    raise ValueError(
        f"{permutations} permutations cannot find pairs at Jaccard {threshold} with recall {recall}: "
        "use more permutations or a higher threshold"
    )
