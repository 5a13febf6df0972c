"""The shop's products: a fixed catalogue, the same for every seed."""

from dataclasses import dataclass

import numpy as np

_RANGES: dict[str, tuple[str, float, float]] = {
    # category: (the nouns of its products, lowest price, highest price)
    "sofas": ("two-seat sofa,corner sofa,sofa bed,loveseat", 299, 1899),
    "armchairs": ("reading chair,recliner,wing chair,rocking chair", 149, 799),
    "dining-tables": ("dining table,extending table,round table,trestle table", 179, 1299),
    "dining-chairs": ("dining chair,bench,folding chair,bar stool", 39, 249),
    "beds": ("double bed,day bed,bunk bed,bed frame", 199, 1499),
    "mattresses": ("foam mattress,sprung mattress,mattress topper,slatted base", 89, 999),
    "wardrobes": ("wardrobe,clothes rail,chest of drawers,shoe cabinet", 79, 899),
    "shelving": ("bookcase,wall shelf,display cabinet,ladder shelf", 29, 449),
    "desks": ("writing desk,standing desk,corner desk,secretaire", 99, 749),
    "lighting": ("floor lamp,pendant lamp,table lamp,wall light", 19, 299),
    "rugs": ("wool rug,runner,jute rug,round rug", 25, 499),
    "garden": ("garden table,lounge chair,parasol,planter bench", 35, 699),
}
_LINES = ("Alba", "Bruno", "Celeste", "Dorian", "Elio")
"""Each line contains every noun of every category, in its own finish and at its own price."""
_FINISHES = ("oak", "walnut", "linen", "ash", "steel")

CATEGORIES = tuple(_RANGES)
PER_CATEGORY = len(_LINES) * 4


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All products by index; index // PER_CATEGORY is the index of the category."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    nouns: tuple[str, ...]
    categories: tuple[str, ...]
    prices: tuple[float, ...]
    quality: tuple[float, ...]
    """How satisfied buyers tend to be, around 0; slightly higher for expensive products."""


def catalogue() -> Catalogue:
    """Returns the shop's catalogue of 240 products."""
    rng = np.random.Generator(np.random.PCG64(20_260_101))
    rows: list[tuple[str, str, str, str, float, float]] = []
    for category, (nouns, cheapest, dearest) in _RANGES.items():
        for noun in nouns.split(","):
            for line, finish in zip(_LINES, _FINISHES, strict=True):
                dearness = float(rng.beta(1.4, 2.6))
                price = round(cheapest + (dearest - cheapest) * dearness) - 0.01
                quality = float(rng.normal(0.6 * (dearness - 0.35), 0.5))
                rows.append(
                    (f"P{len(rows):04d}", f"{line} {finish} {noun}", noun, category, round(price, 2), quality)
                )
    return Catalogue(*zip(*rows, strict=True))
