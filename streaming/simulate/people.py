"""Draws the people: who they are, what they like, and how they browse. They stay the same during a run."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streaming.simulate.catalogue import CATEGORIES, PER_CATEGORY
from streaming.simulate.devices import KITS
from streaming.simulate.places import Town, places

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_WOMEN = """
    Ada Alma Amelie Ana Astrid Carla Chloe Clara Elena Ella Emma Fiona Greta Hana Ines Iris Jana Julia
    Lea Lena Lucia Maja Marta Mia Nina Nora Olivia Paula Rosa Sara Sofia Thea Vera Zoe
"""
_MEN = """
    Adam Alan Anton Bruno Carl David Diego Elias Emil Felix Finn Hugo Ivan Jan Jonas Karl Leo Liam
    Louis Luca Marco Mateo Max Milan Noah Oskar Otto Pablo Paul Samuel Theo Tom Victor Yann
"""
_LAST = """
    Abbott Adler Bauer Becker Bell Blanc Brandt Carter Castillo Costa Dubois Ellis Engel Fischer
    Fontaine Garcia Gomez Graham Haas Hughes Jensen Keller Klein Lambert Lang Leroy Lopez Martin Meyer
    Moreau Moreno Morgan Navarro Olsen Palmer Perez Petit Price Reed Reyes Richter Rossi Roth Santos
    Sommer Stone Torres Vidal Vogel Wagner Walsh Weber Wolf Wood Young Ziegler
"""

REFERRERS = ("Direct", "Google", "Email", "Facebook", "Instagram", "Pinterest", "Bing", "Affiliate")
REFERRER_SHARES = (0.26, 0.3, 0.1, 0.1, 0.1, 0.06, 0.05, 0.03)
INTENT_OF_REFERRER = np.array([0.35, 0.05, 0.6, -0.5, -0.55, -0.25, 0.05, -0.1])
"""How much a referrer raises the intent to buy: high for e-mails and direct visits, low for social media."""

PAYMENTS = ("credit_card", "paypal", "apple_pay", "klarna", "bank_transfer")

STYLES = 80
FAVOURITES = 9
_SECOND_CHOICES = 5

CHRONOTYPES = 3
"""Morning, evening and night people; habits.py defines when each come."""


@dataclass(frozen=True, slots=True)
class People:
    """One entry per person in each list and array; `style` is an index into the styles' arrays."""

    user_ids: list[str]
    names: list[str]
    emails: list[str]
    genders: list[str]
    homes: list[Town]
    style: Ints
    first_kit: Ints
    second_kit: Ints
    referrer: Ints
    payment: list[str]
    keenness: Floats
    engagement: Floats
    budget: Floats
    """Log price above which a product is expensive for them."""
    thrift: Floats
    """How much a high price lowers their intent to buy."""
    by_chronotype: list[Ints]
    weight_by_chronotype: list[Floats]
    """Cumulative activity, up to 1, of the people in `by_chronotype`."""
    favourites: Ints
    """Style x FAVOURITES products."""
    second_choices: Ints
    """Style x _SECOND_CHOICES products."""


def _choice(rng: np.random.Generator, shares: tuple[float, ...] | list[float], size: int) -> Ints:
    bounds = np.cumsum(shares) / np.sum(shares)
    return np.minimum(np.searchsorted(bounds, rng.random(size)), len(bounds) - 1)


def people(rng: np.random.Generator, count: int, seed: int) -> People:
    """Draws `count` people of STYLES styles. People of one style view the same few products, so that their
    Jaccard similarity is high after a few sessions."""
    women, men, last_names = _WOMEN.split(), _MEN.split(), _LAST.split()
    woman = rng.random(count)
    first = rng.integers(0, min(len(women), len(men)), count)
    last = rng.integers(0, len(last_names), count)
    genders = ["female" if w < 0.54 else "male" if w < 0.97 else "other" for w in woman.tolist()]
    names = [
        f"{(men if gender == 'male' else women)[f]} {last_names[n]}"
        for gender, f, n in zip(genders, first.tolist(), last.tolist(), strict=True)
    ]
    towns, shares = places()
    first_kit = _choice(rng, [share for _, share in KITS], count)
    chronotype = _choice(rng, [0.3, 0.55, 0.15], count)
    activity = rng.lognormal(0.0, 0.7, count)
    groups = [np.flatnonzero(chronotype == kind) for kind in range(CHRONOTYPES)]
    groups = [group if len(group) else np.arange(count) for group in groups]
    favourites, second_choices = _styles(rng)
    return People(
        user_ids=[f"u{seed}-{i:06d}" for i in range(count)],
        names=names,
        emails=[f"{name.replace(' ', '.').lower()}.{i}@example.org" for i, name in enumerate(names)],
        genders=genders,
        homes=[towns[i] for i in _choice(rng, shares, count).tolist()],
        style=rng.integers(0, STYLES, count),
        first_kit=first_kit,
        second_kit=np.where(rng.random(count) < 0.5, first_kit, _choice(rng, [s for _, s in KITS], count)),
        referrer=_choice(rng, REFERRER_SHARES, count),
        payment=[PAYMENTS[i] for i in _choice(rng, [0.4, 0.28, 0.14, 0.1, 0.08], count).tolist()],
        keenness=rng.normal(0.0, 0.6, count),
        engagement=rng.normal(0.0, 0.3, count),
        budget=rng.normal(5.6, 0.6, count),
        thrift=rng.gamma(4.0, 0.2, count),
        by_chronotype=groups,
        weight_by_chronotype=[np.cumsum(activity[g]) / activity[g].sum() for g in groups],
        favourites=favourites,
        second_choices=second_choices,
    )


def _styles(rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draws the favourite products of each style, and those that it views sometimes, from three
    categories."""
    favourites = np.empty((STYLES, FAVOURITES), dtype=np.int64)
    second = np.empty((STYLES, _SECOND_CHOICES), dtype=np.int64)
    for style in range(STYLES):
        main, side, aside = rng.permutation(len(CATEGORIES))[:3]
        picks = [
            category * PER_CATEGORY + rng.permutation(PER_CATEGORY)[:n]
            for category, n in ((main, 8), (side, 4), (aside, 2))
        ]
        favourites[style] = np.concatenate([picks[0][:5], picks[1][:3], picks[2][:1]])
        second[style] = np.concatenate([picks[0][5:], picks[1][3:], picks[2][1:]])
    return favourites, second
