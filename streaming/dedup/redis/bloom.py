"""What a RedisBloom filter of a given fill is worth. Pure."""

from math import ceil, exp, log

TIGHTENING = 0.5
"""RedisBloom gives the first layer half the error rate asked for, and each further one half of the last's."""
EXPANSION = 2
"""Each layer holds so many times what the one before it does."""


def error_rate(items: int, capacity: int, asked: float) -> float:
    """The share of unseen items that a filter reserved for `capacity` at the error rate `asked` takes for
    seen when it holds `items`: (1 - e^(-kn/m))^k for each layer (Bloom 1970), any of which may err."""
    right, layer, rate = 1.0, capacity, asked * TIGHTENING
    while items > 0:
        here = min(items, layer)
        bits = layer * -log(rate) / log(2) ** 2
        hashes = ceil(-log(rate) / log(2))
        right *= 1 - (1 - exp(-hashes * here / bits)) ** hashes
        items, layer, rate = items - here, layer * EXPANSION, rate * TIGHTENING
    return 1 - right
