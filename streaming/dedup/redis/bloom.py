"""The error rate of a RedisBloom filter. Pure."""

from math import ceil, exp, log

TIGHTENING = 0.5
"""RedisBloom gives the first layer half of the reserved error rate, and each further one half of the
last's."""
EXPANSION = 2
"""How many times the capacity of the previous layer each layer has."""


def error_rate(items: int, capacity: int, reserved: float) -> float:
    """Returns the share of new items that a filter takes for known ones when it contains `items`. It was
    reserved for `capacity` at the error rate `reserved`. Each layer has the rate (1 - e^(-kn/m))^k (Bloom
    1970), and an error of any layer is one of the filter."""
    right, layer, rate = 1.0, capacity, reserved * TIGHTENING
    while items > 0:
        here = min(items, layer)
        bits = layer * -log(rate) / log(2) ** 2
        hashes = ceil(-log(rate) / log(2))
        right *= 1 - (1 - exp(-hashes * here / bits)) ** hashes
        items, layer, rate = items - here, layer * EXPANSION, rate * TIGHTENING
    return 1 - right
