"""How a MinHash signature is cut into bands, so that few similar pairs are missed. Pure arithmetic."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Banding:
    """`bands` x `rows` signature entries are used; two users meet when a whole band agrees."""

    bands: int
    rows: int

    def recall(self, jaccard: float) -> float:
        """The probability that two sets of this Jaccard similarity meet in at least one band
        (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4.2)."""
        return 1 - float(1 - jaccard**self.rows) ** self.bands


def banding(permutations: int, threshold: float, recall: float = 0.99) -> Banding:
    """The longest bands (so the fewest needless candidates) that find a pair at `threshold` with at least
    probability `recall`; more similar pairs are found more surely still.

    Raises ValueError where even bands of one entry cannot promise that.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}; a Jaccard similarity above 0 and up to 1 is wanted")
    for rows in range(permutations // 2, 0, -1):  # datasketch wants two bands at least
        candidate = Banding(permutations // rows, rows)
        if candidate.recall(threshold) >= recall:
            return candidate
    raise ValueError(
        f"{permutations} permutations cannot find pairs at Jaccard {threshold} with recall {recall}: "
        "take more permutations or a higher threshold"
    )
