"""Finds the most frequent words among any number of different ones, in bounded memory. Pure.

Counts are exact until there are more than `capacity` different words. Whenever there are, the median count is
taken off all, and what is left of nothing is forgotten (Misra and Gries 1982, in the form of Anderson et al.
2017): a visitor who sends a million odd words does not fill memory, nor displace what many sessions say.
"""

from collections import Counter
from statistics import median_low


class FrequentWords:
    """Add words, then ask for the most frequent ones."""

    def __init__(self, capacity: int) -> None:
        self._capacity, self._counts = capacity, Counter[str]()
        self.added = 0
        """All words added."""
        self.too_low_by = 0
        """What the counts may be too low by: at most 2 * added / capacity."""

    def add(self, word: str) -> None:
        self.added += 1
        self._counts[word] += 1
        if len(self._counts) > self._capacity:
            off = median_low(self._counts.values())
            self.too_low_by += off
            self._counts = Counter({one: count - off for one, count in self._counts.items() if count > off})

    def most(self, size: int, least: int) -> list[tuple[str, int]]:
        """Returns up to `size` words with a count of at least `least`, the most frequent first, equal ones in
        the order of code points."""
        ordered = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return [(word, count) for word, count in ordered[:size] if count >= least]
