"""Each panel's query on Elasticsearch, compared with figures computed directly from the sessions."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from streaming.contract.session import Review
from streaming.contract.valid_session import ValidSession
from streaming.dashboards import query, source
from streaming.dashboards.figures import Figures
from streaming.dashboards.query import TimeRange
from streaming.dashboards.source import Panel

HOUR_MS = 3_600_000
DASHBOARDS = source.load_all(Path(__file__).parents[3] / "dashboards")
PANELS = [panel for dashboard in DASHBOARDS.values() for panel in dashboard.panels]

Row = list[Any]
Sessions = list[ValidSession]


class Case(NamedTuple):
    """A reader's choices, and the widths of bars that follow from them."""

    hours: tuple[int, int]
    feed: str | None
    bar_ms: int
    sentiment_bar_ms: int


CASES = {
    "everything": Case((0, 30), None, HOUR_MS // 2, HOUR_MS),
    "six hours": Case((6, 12), None, HOUR_MS // 6, HOUR_MS // 6),
    "one feed": Case((0, 30), "import", HOUR_MS // 2, HOUR_MS),
    "a feed that is not there": Case((0, 30), "nowhere", HOUR_MS // 2, HOUR_MS),
}


MEANT = {
    **{"PayPal": "paypal", "Newsletter": "Email", "FR": "France"},
    **dict.fromkeys(["TempleOS", "Genera", "cowries", "Narnia"], "other"),
}
"""What the words of the sessions count as that are not on a list as they are written."""


def meant(session: ValidSession) -> ValidSession:
    said = {
        "payment_method_type": session.payment_method_type,
        "referrer": session.referrer,
        "country": session.country,
        "operating_system": session.operating_system,
    }
    return msgspec.structs.replace(session, **{field: MEANT.get(w or "", w) for field, w in said.items()})


def users(sessions: Iterable[ValidSession]) -> int:
    return len({session.user_pseudonym for session in sessions})


def of_kind(sessions: Sessions, kind: str) -> Sessions:
    return [session for session in sessions if session.user_kind == kind]


def bought(sessions: Sessions) -> Sessions:
    return [session for session in sessions if session.purchase_made]


def spent(sessions: Sessions) -> int:
    return sum(round(session.amount_spent * 100) for session in sessions)


def grouped(sessions: Sessions, by: Callable[[ValidSession], Hashable]) -> dict[Any, Sessions]:
    groups = defaultdict(list)
    for session in sessions:
        groups[by(session)].append(session)
    return groups


def largest(rows: Iterable[Row], by: int, size: int = 10) -> list[Row]:
    """The rows with the greatest values in column `by`; equal ones in the order of their first column."""
    return sorted(rows, key=lambda row: (-row[by], row[0]))[:size]


def by_users(field: str) -> Callable[[Sessions, Case], list[Row]]:
    return lambda sessions, _: largest(
        (
            [key, users(group), len(group)]
            for key, group in grouped(sessions, lambda s: getattr(s, field)).items()
        ),
        1,
    )


def by_conversion(field: str) -> Callable[[Sessions, Case], list[Row]]:
    return lambda sessions, _: largest(
        (
            [key, len(group), len(bought(group)), len(bought(group)) / len(group)]
            for key, group in grouped(sessions, lambda s: getattr(s, field)).items()
        ),
        1,
    )


def in_bars(sessions: Sessions, bar_ms: int) -> list[tuple[int, Sessions]]:
    return sorted(grouped(sessions, lambda s: s.event_time_ms // bar_ms * bar_ms).items())


def reached(sessions: Sessions) -> list[Row]:
    def how_many(*actions: str) -> int:
        return sum(any(action in session.actions for action in actions) for session in sessions)

    return [
        ["1 Browsed", len(sessions)],
        ["2 Looked at a product", how_many("view", "cart", "remove_from_cart", "purchase")],
        ["3 Filled the cart", how_many("cart", "remove_from_cart", "purchase")],
        ["4 Bought", how_many("purchase")],
    ]


def in_cart(session: ValidSession) -> int:
    sign = {"cart": 1, "remove_from_cart": -1}
    return max(
        0,
        sum(
            sign.get(a, 0) * round(p * 100)
            for a, p in zip(session.actions, session.product_prices, strict=True)
        ),
    )


def activity(sessions: Sessions, keys: Callable[[ValidSession], list[str]]) -> dict[str, Counter[str]]:
    """Actions and revenue by product or category, of sessions that were not late."""
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    for session in sessions:
        if not session.late:
            for key, action, price in zip(
                keys(session), session.actions, session.product_prices, strict=True
            ):
                totals[key][action] += 1
                totals[key]["revenue"] += round(price * 100) if action == "purchase" else 0
    return totals


def top_products(sessions: Sessions, _: Case) -> list[Row]:
    names = {p: n for s in sessions for p, n in zip(s.product_ids, s.product_names, strict=True)}
    rows = [
        [product, names[product], t["view"], t["cart"], t["purchase"], t["revenue"]]
        for product, t in activity(sessions, lambda s: s.product_ids).items()
    ]
    return [[name, product, *rest] for product, name, *rest in largest(rows, 5)]


def categories(sessions: Sessions, _: Case) -> list[Row]:
    totals = activity(sessions, lambda s: s.product_categories).items()
    rows = ([c, t["view"], t["cart"], t["remove_from_cart"], t["purchase"], t["revenue"]] for c, t in totals)
    return largest(rows, 1)


def category_of(session: ValidSession, review: Review) -> str:
    found = zip(session.product_ids, session.product_categories, strict=True)
    return next((category for product, category in found if product == review.product_id), "(not visited)")


def sentiments(key: Hashable, reviews: list[Review]) -> Row:
    # The texts of these sessions clearly have the sentiment of their labels.
    said = Counter(review.sentiment for review in reviews)
    stars = sum(review.rating for review in reviews) / len(reviews)
    return [key, said["positive"], said["neutral"], said["negative"], pytest.approx(stars)]


def sentiment_by_category(sessions: Sessions, _: Case) -> list[Row]:
    groups = defaultdict(list)
    for session in sessions:
        for review in session.reviews:
            groups[category_of(session, review)].append(review)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return [sentiments(category, reviews) for category, reviews in ordered]


def sentiment_over_time(sessions: Sessions, case: Case) -> list[Row]:
    bars = in_bars([session for session in sessions if session.reviews], case.sentiment_bar_ms)
    return [sentiments(bar, [review for s in group for review in s.reviews]) for bar, group in bars]


def at_a_glance_of_users(s: Sessions, _: Case) -> list[Row]:
    return [[users(s), users(of_kind(s, "new")), users(of_kind(s, "returning")), users(bought(s))]]


def users_over_time(s: Sessions, case: Case) -> list[Row]:
    bars = in_bars(s, case.bar_ms)
    return [[bar, users(of_kind(g, "new")), users(of_kind(g, "returning"))] for bar, g in bars]


def by_software(s: Sessions, _: Case) -> list[Row]:
    groups = grouped(s, lambda s: (s.operating_system, s.browser_type))
    return sorted([system, browser, users(group)] for (system, browser), group in groups.items())


def top_returning(s: Sessions, _: Case) -> list[Row]:
    groups = grouped(of_kind(s, "returning"), lambda s: s.user_pseudonym)
    return largest(([user, len(group), spent(group)] for user, group in groups.items()), 1)


def at_a_glance_of_sessions(s: Sessions, _: Case) -> list[Row]:
    conversion = len(bought(s)) / len(s) if s else None
    return [[len(s), len(bought(s)), conversion, spent(s), sum(one.late for one in s)]]


def sessions_over_time(s: Sessions, case: Case) -> list[Row]:
    bars = in_bars(s, case.bar_ms)
    return [[bar, len(g), len(bought(g)), len(g) - len(bought(g))] for bar, g in bars]


def revenue_over_time(s: Sessions, case: Case) -> list[Row]:
    return [[bar, spent(g), sum(map(in_cart, g))] for bar, g in in_bars(s, case.bar_ms)]


def payment_methods(s: Sessions, _: Case) -> list[Row]:
    groups = grouped(bought(s), lambda s: s.payment_method_type)
    return largest(([method, len(group), spent(group)] for method, group in groups.items()), 1)


def on_no_list(s: Sessions, _: Case) -> list[Row]:
    fields = {
        "1 Country": "country",
        "2 Referrer": "referrer",
        "3 Device": "device_type",
        "4 Operating system": "operating_system",
        "5 Browser": "browser_type",
        "6 Gender, or said so": "gender",
        "7 Payment method": "payment_method_type",
    }
    return [[name, sum(getattr(one, field) == "other" for one in s)] for name, field in fields.items()]


ORACLE: dict[str, Callable[[Sessions, Case], list[Row]]] = {
    "users_at_a_glance": at_a_glance_of_users,
    "users_over_time": users_over_time,
    "users_by_country": by_users("country"),
    "users_by_referrer": by_users("referrer"),
    "users_by_device": by_users("device_type"),
    "users_by_gender": by_users("gender"),
    "users_by_system": by_software,
    "words_on_no_list": on_no_list,
    "top_returning_users": top_returning,
    "sessions_at_a_glance": at_a_glance_of_sessions,
    "sessions_over_time": sessions_over_time,
    "funnel": lambda s, _: reached(s),
    "conversion_by_referrer": by_conversion("referrer"),
    "conversion_by_device": by_conversion("device_type"),
    "revenue_over_time": revenue_over_time,
    "payment_methods": payment_methods,
    "top_products": top_products,
    "categories": categories,
    "sentiment_by_category": sentiment_by_category,
    "sentiment_over_time": sentiment_over_time,
}


def chosen(sessions: Sessions, panel: Panel, case: Case, from_ms: int) -> Sessions:
    first, last = (from_ms + hour * HOUR_MS for hour in case.hours)
    feed = case.feed if panel.window_ms is None else None
    return [meant(s) for s in sessions if first <= s.event_time_ms < last and feed in (None, s.feed)]


def shown(figures: Figures, panel: Panel, case: Case, from_ms: int) -> list[Row]:
    """The cells that the page shows in the table of `panel`."""
    times = TimeRange(*(from_ms + hour * HOUR_MS for hour in case.hours))
    [dashboard] = [dashboard for dashboard in DASHBOARDS.values() if panel in dashboard.panels]
    [answer] = [answer for answer in figures.of(dashboard, times, case.feed) if answer.panel_id == panel.id]
    assert answer.error is None
    return [[query.figure(column, row) for column in panel.columns] for row in answer.rows]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize(
    "panel", [p for p in PANELS if p.id != "session_duration"], ids=lambda panel: panel.id
)
def test_a_panel_shows_the_figures_of_the_sessions(
    figures: Figures, sessions: Sessions, from_ms: int, panel: Panel, case: Case
) -> None:
    assert shown(figures, panel, case, from_ms) == ORACLE[panel.id](
        chosen(sessions, panel, case, from_ms), case
    )


@pytest.mark.parametrize("case", [CASES["everything"], CASES["one feed"]], ids=["everything", "one feed"])
def test_percentiles_of_durations_are_at_their_ranks_in_the_sorted_durations(
    figures: Figures, sessions: Sessions, from_ms: int, case: Case
) -> None:
    [panel] = [panel for panel in PANELS if panel.id == "session_duration"]
    lengths = sorted(session.session_duration for session in chosen(sessions, panel, case, from_ms))
    rows = shown(figures, panel, case, from_ms)
    assert [percent for percent, _ in rows] == [5, 25, 50, 75, 95]
    for percent, length in rows:
        at_most = sum(one <= length for one in lengths) / len(lengths)
        assert at_most == pytest.approx(percent / 100, abs=0.015)


def test_the_feeds_and_times_found(figures: Figures, sessions: Sessions) -> None:
    holdings = figures.holdings()
    times = [session.event_time_ms for session in sessions]
    assert holdings.feeds == ["import", "live"]
    assert holdings.times == TimeRange(min(times), max(times) + 1)


def test_before_anything_is_indexed_there_are_no_figures_and_no_error(nothing_indexed: Figures) -> None:
    assert nothing_indexed.holdings().times is None
    for dashboard in DASHBOARDS.values():
        for answer in nothing_indexed.of(dashboard, TimeRange(0, HOUR_MS), None):
            assert answer.rows == []
            assert answer.documents == 0
            assert answer.error is None
