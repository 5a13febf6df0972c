"""Draws the sessions: who comes when, views which products, and whether they buy. Draws one block at a
time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from streaming.contract.time_units import DAY_MS, HOUR_MS
from streaming.simulate.catalogue import CATEGORIES, PER_CATEGORY, Catalogue
from streaming.simulate.devices import INTENT_OF_DEVICE, KITS
from streaming.simulate.people import (
    CHRONOTYPES,
    FAVOURITES,
    INTENT_OF_REFERRER,
    REFERRER_SHARES,
    Floats,
    Ints,
    People,
)

Flags = npt.NDArray[np.bool_]

VIEW, CART, REMOVE, PURCHASE = range(4)
ACTIONS = ("view", "cart", "remove_from_cart", "purchase")

MAX_VIEWS = 40

_HOURS = np.arange(24)
_SESSIONS_BY_HOUR = (
    np.stack(
        [
            np.exp(-(((_HOURS - 9.5) / 3.0) ** 2)),
            np.exp(-(((_HOURS - 20.0) / 2.6) ** 2)) + 0.35 * np.exp(-(((_HOURS - 13.0) / 2.0) ** 2)),
            np.exp(-(((_HOURS - 23.5) / 2.0) ** 2)) + np.exp(-(((_HOURS - 0.5) / 2.0) ** 2)),
        ]
    )
    * np.array([[0.3], [0.55], [0.15]])
    + 0.012
)
"""Chronotype x hour of the day: how many sessions people of that chronotype then have."""


@dataclass(frozen=True, slots=True)
class Visits:
    """A block of sessions in the order of their ends. The interaction arrays are flat: those of session v are
    [first[v], first[v + 1])."""

    user: Ints
    end_ms: Ints
    kit: Ints
    referrer: Ints
    first: Ints
    product: Ints
    action: Ints
    page_views: Ints
    clicks: Ints
    duration_s: Floats
    bought: Flags
    pleasure: Floats
    """How satisfied the user is, before the product's own quality is added."""
    reviews: Flags
    reviewed: Ints
    """The product that the review is about, one of those in the session."""


class EndTimes:
    """Draws the ends of sessions: ascending times, more of them in busy hours, one block at a time."""

    def __init__(self, rng: np.random.Generator, start_ms: int, span_s: float, steady: bool) -> None:
        self._rng, self._start_ms = rng, start_ms
        self._grid = np.linspace(0.0, span_s * 1000, 2_049)
        hour = ((start_ms + self._grid[:-1]) % DAY_MS) / HOUR_MS
        rhythm = np.interp(
            hour, np.arange(25), np.append(_SESSIONS_BY_HOUR.sum(0), _SESSIONS_BY_HOUR[:, 0].sum())
        )
        busy = np.ones(2_048) if steady else rhythm
        self._cumulative = np.append(0.0, np.cumsum(busy)) / busy.sum()

    def block(self, first: int, count: int, total: int) -> Ints:
        """Returns the ends of sessions [first, first + count) of `total`."""
        quantile = (first + np.arange(count) + self._rng.random(count)) / total
        offset: Floats = np.interp(quantile, self._cumulative, self._grid)
        return self._start_ms + offset.astype(np.int64)


def visits(rng: np.random.Generator, shop: Catalogue, crowd: People, end_ms: Ints) -> Visits:
    """Draws one session for each time in `end_ms` (ascending)."""
    count = len(end_ms)
    user = _visitors(rng, crowd, end_ms)
    kit = np.where(rng.random(count) < 0.85, crowd.first_kit[user], crowd.second_kit[user])
    usual = rng.random(count) < 0.65
    anywhere = np.searchsorted(np.cumsum(REFERRER_SHARES)[:-1], rng.random(count))
    referrer = np.where(usual, crowd.referrer[user], anywhere)
    device_intent = np.array([INTENT_OF_DEVICE[known.device_type] for known, _ in KITS])
    intent = (
        crowd.keenness[user] + rng.normal(0.0, 1.0, count) + INTENT_OF_REFERRER[referrer] + device_intent[kit]
    )

    views = 1 + np.minimum(rng.poisson(np.exp(1.5 + 0.25 * intent + crowd.engagement[user])), MAX_VIEWS - 1)
    visit = np.repeat(np.arange(count), views)
    step = np.arange(len(visit)) - np.repeat(np.cumsum(views) - views, views)
    product = _viewed(rng, crowd, user[visit])

    log_price = np.log(np.array(shop.prices))[product]
    dear = crowd.thrift[user][visit] * (log_price - crowd.budget[user][visit])
    carted = rng.random(len(visit)) < _sigmoid(-2.8 + 0.8 * intent[visit] - dear)
    removed = carted & (rng.random(len(visit)) < _sigmoid(-1.4 - 0.5 * intent[visit] + 0.5 * dear))
    kept = carted & ~removed
    in_basket = np.bincount(visit[kept], minlength=count)
    wants = np.where(in_basket > 0, -1.1 + 1.2 * intent + 0.3 * np.log1p(in_basket), -3.75 + 1.15 * intent)
    bought = rng.random(count) < _sigmoid(wants)
    # With an empty cart the user buys the last product viewed ('buy now').
    last_look = np.append(visit[1:] != visit[:-1], True)
    purchased = bought[visit] & np.where(in_basket[visit] > 0, kept, last_look)

    looks = [np.arange(len(visit)), *(np.flatnonzero(did) for did in (carted, removed, purchased))]
    which = np.concatenate(looks)
    action = np.repeat([VIEW, CART, REMOVE, PURCHASE], [len(look) for look in looks])
    # A product is removed after the next view, and purchases come at the end.
    moment = 4 * step[which] + np.array([0, 1, 6, 1_000])[action]
    order = np.lexsort((which, moment, visit[which]))
    per_visit = np.bincount(visit[which], minlength=count)

    page_views = views + rng.poisson(1.2 + 0.3 * views)
    seconds = rng.gamma(2.0, 14.0 * views * (1.0 + 0.15 * np.tanh(intent)))
    first_look = np.cumsum(views) - views
    about = np.where(bought, _first_true(purchased, first_look, last_look), first_look)
    return Visits(
        user=user,
        end_ms=end_ms,
        kit=kit,
        referrer=referrer,
        first=np.append(0, np.cumsum(per_visit)),
        product=product[which][order],
        action=action[order],
        page_views=page_views,
        clicks=page_views + rng.poisson(0.8 * views),
        duration_s=np.round(5.0 + seconds, 1),
        bought=bought,
        pleasure=rng.normal(0.35, 0.9, count),
        reviews=rng.random(count) < np.where(bought, 0.35, 0.1),
        reviewed=product[about],
    )


def _visitors(rng: np.random.Generator, crowd: People, end_ms: Ints) -> Ints:
    """Draws a user for each time: first a chronotype by the hour, then one of its people by their
    activity."""
    hour = (end_ms % DAY_MS) // HOUR_MS
    bounds = np.cumsum(_SESSIONS_BY_HOUR, axis=0) / _SESSIONS_BY_HOUR.sum(axis=0)
    kind = (rng.random(len(end_ms)) > bounds[:-1, hour]).sum(axis=0)
    draw = rng.random(len(end_ms))
    user = np.empty(len(end_ms), dtype=np.int64)
    for chronotype in range(CHRONOTYPES):
        theirs = kind == chronotype
        group, weight = crowd.by_chronotype[chronotype], crowd.weight_by_chronotype[chronotype]
        user[theirs] = group[np.minimum(np.searchsorted(weight, draw[theirs]), len(group) - 1)]
    return user


def _viewed(rng: np.random.Generator, crowd: People, user: Ints) -> Ints:
    """Draws a product for each view: in 92 % of the cases a favourite of the user's style."""
    style = crowd.style[user]
    fame = np.cumsum(1 / (1 + 0.12 * np.arange(FAVOURITES)))
    rank = np.minimum(np.searchsorted(fame / fame[-1], rng.random(len(user))), FAVOURITES - 1)
    favourite = crowd.favourites[style, rank]
    second = crowd.second_choices[style, rng.integers(0, crowd.second_choices.shape[1], len(user))]
    anything = rng.integers(0, len(CATEGORIES) * PER_CATEGORY, len(user))
    mood = rng.random(len(user))
    return np.where(mood < 0.92, favourite, np.where(mood < 0.98, second, anything))


def _first_true(flags: Flags, first_look: Ints, last_look: Flags) -> Ints:
    """Returns for each session the index of its first flagged view, or of its last view if none is
    flagged."""
    position = np.where(flags, np.arange(len(flags)), len(flags))
    found = np.minimum.reduceat(position, first_look)
    return np.minimum(found, np.flatnonzero(last_look))


def _sigmoid(x: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp(-x))
