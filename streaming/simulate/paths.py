"""Draws what version 2 of the contract tells of a visit.

When each interaction happened, which pages and steps of the checkout were seen, what brought the visit, and
what its user has agreed to.
"""

from dataclasses import dataclass

import numpy as np

from streaming.contract.session import EARLIEST_TIME_MS, Consent, PageView
from streaming.simulate.habits import ACTIONS, Visits
from streaming.simulate.people import Floats, Ints

CURRENCY = "EUR"
CHANNEL_OF_REFERRER = {
    "Direct": ("direct",),
    "Google": ("organic search", "paid search"),
    "Email": ("newsletter",),
    "Facebook": ("social", "paid social"),
    "Instagram": ("social", "paid social"),
    "Pinterest": ("social",),
    "Bing": ("organic search", "paid search"),
    "Affiliate": ("affiliate",),
}
CAMPAIGNS = ("new sofas", "garden season", "moving in", "last pieces")
"""Of the channels that somebody pays for or writes; the others have none."""
_WITHOUT_CAMPAIGN = ("direct", "organic search", "social")
LANDINGS = ("home", "category", "search")
CHECKOUT = ("checkout: address", "checkout: delivery", "checkout: payment")
DONE = "checkout: done"
_STARTS_CHECKOUT = 0.3
"""Share of visits with something in the cart that begin a checkout without finishing it."""
_CONSENTS = (
    Consent(analytics=True, personalisation=True, training=True),
    Consent(analytics=True, personalisation=True, training=False),
    Consent(analytics=True, personalisation=False, training=False),
    Consent(analytics=True),
)
_CONSENT_SHARES = (0.7, 0.12, 0.1, 0.08)
REFUSED = Consent(analytics=False, personalisation=False, training=False)
"""Of a visit, whatever its user has agreed to in others."""


@dataclass(frozen=True, slots=True)
class Paths:
    """One entry for each session of a block; `times_ms` is flat, as the interactions of `Visits`."""

    times_ms: Ints
    landing: Ints
    channel: Floats
    campaign: Ints
    steps: Ints
    """How many steps of the checkout an unfinished one has; 0 if none was begun."""

    def channel_of(self, v: int, referrer: str) -> str:
        """Returns what brought session `v`. Of a referrer that is none of ours, nobody knows."""
        channels = CHANNEL_OF_REFERRER.get(referrer, ("other",))
        return channels[int(self.channel[v] * len(channels))]

    def campaign_of(self, v: int, channel: str) -> str | None:
        """Returns the campaign that brought session `v` through `channel`."""
        return None if channel in _WITHOUT_CAMPAIGN else CAMPAIGNS[self.campaign[v]]


def paths(rng: np.random.Generator, made: Visits) -> Paths:
    """Draws the paths of the visits `made`. Interactions are spread evenly over a visit, in their order."""
    count, flat = len(made.end_ms), len(made.action)
    visit = np.repeat(np.arange(count), np.diff(made.first))
    drawn = rng.random(flat)
    share = drawn[np.lexsort((drawn, visit))]
    before_ms = made.duration_s[visit] * 1000 * (1 - share)
    has_cart = np.bincount(visit[made.action == ACTIONS.index("cart")], minlength=count) > 0
    begins = has_cart & ~made.bought & (rng.random(count) < _STARTS_CHECKOUT)
    return Paths(
        times_ms=made.end_ms[visit] - before_ms.astype(np.int64),
        landing=rng.integers(0, len(LANDINGS), count),
        channel=rng.random(count),
        campaign=rng.integers(0, len(CAMPAIGNS), count),
        steps=np.where(begins, rng.integers(1, len(CHECKOUT) + 1, count), 0),
    )


def times(drawn_ms: list[int], late_by_ms: int) -> list[int]:
    """Returns the times of a session's interactions, `late_by_ms` earlier than drawn. None is before 2000."""
    return [max(EARLIEST_TIME_MS, time_ms - late_by_ms) for time_ms in drawn_ms]


def pages(
    actions: list[str], times_ms: list[int], landing: int, steps: int, began_ms: int, end_ms: int
) -> list[PageView]:
    """Returns the pages of a visit in their order: where it began, one for each change between products and
    cart, and the checkout in equal steps after the last interaction before it."""
    seen = [PageView(page=LANDINGS[landing], time_ms=max(EARLIEST_TIME_MS, began_ms))]
    looked_ms = seen[0].time_ms
    for action, time_ms in zip(actions, times_ms, strict=True):
        if action == "purchase":
            break
        page = "product" if action == "view" else "cart"
        looked_ms = time_ms
        if seen[-1].page != page:
            seen.append(PageView(page=page, time_ms=time_ms))
    bought = "purchase" in actions
    reached = [*CHECKOUT, DONE] if bought else list(CHECKOUT[:steps])
    for number, page in enumerate(reached, 1):
        seen.append(PageView(page=page, time_ms=looked_ms + (end_ms - looked_ms) * number // len(reached)))
    return seen


def consents(rng: np.random.Generator, count: int) -> list[Consent]:
    """Draws what each of `count` people has agreed to."""
    bounds = np.cumsum(_CONSENT_SHARES)
    return [_CONSENTS[min(at, len(_CONSENTS) - 1)] for at in np.searchsorted(bounds, rng.random(count))]
