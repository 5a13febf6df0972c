"""The dashboards as a reader sees them in Airflow: their figures are those of Elasticsearch and of the
sessions sent."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, Route, expect
from waiting import until

from streaming.access_record.file import stored_record
from streaming.dashboards import persons, query, source
from streaming.dashboards.figures import Figures
from streaming.dashboards.source import Column, Dashboard, Panel
from streaming.settings import ElasticsearchSettings

DASHBOARDS = source.load_all(Path(__file__).parents[3] / "dashboards")
MENU = {"user_analysis": "User Analysis", "session_analysis": "Session Analysis"}
WRITTEN: dict[str, Callable[[Any], str]] = {
    "text": str,
    "count": lambda value: f"{value:,.0f}",
    "cents": lambda value: f"{value / 100:,.2f}",
    "seconds": lambda value: f"{value / 60:,.2f} min",
    "score": lambda value: f"{value:,.2f}",
    "share": lambda value: f"{100 * value:.1f}".removesuffix(".0") + "%",
    "time": lambda value: f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d %H:%M}",
}


@pytest.fixture(scope="module")
def figures() -> Iterator[Figures]:
    asked = Figures(ElasticsearchSettings())
    yield asked
    asked.close()


def opened(page: Page, name: str, feed: str) -> FrameLocator:
    """Opens the dashboard `name` from the menu and shows all of `feed`."""
    page.goto("/")
    page.get_by_role("link", name=MENU[name], exact=True).click()
    frame = page.frame_locator(f"iframe[title='{MENU[name]}']")
    expect(frame.get_by_role("heading", name=MENU[name], level=1)).to_be_visible()
    frame.get_by_text("All", exact=True).click()
    expect(frame.locator(f"#feed option[value='{feed}']")).to_be_attached()
    frame.get_by_label("Feed").select_option(feed)
    expect(frame.locator("#status")).to_contain_text("renewed every")
    return frame


def drawn(frame: FrameLocator, dashboard: Dashboard) -> dict[str, list[list[str]]]:
    """Every figure on the page, by panel: its tiles as one row, or the rows of its table."""
    found: dict[str, list[list[str]]] = frame.locator("#panels").evaluate(
        """(board) => Object.fromEntries([...board.children].map((panel) => {
            const texts = (of, cells) => Array.from(of.querySelectorAll(cells), (cell) => cell.textContent);
            const rows = [...panel.querySelectorAll("tbody tr")].map((row) => texts(row, "th, td"));
            return [panel.id, panel.querySelector("dl") ? [texts(panel, "dd")] : rows];
        }))"""
    )
    assert found.keys() == {panel.id for panel in dashboard.panels}
    return found


def written(column: Column, row: dict[str, Any]) -> str:
    value = query.figure(column, row)
    return "\N{EN DASH}" if value is None else WRITTEN[column.kind](value)


def answered(figures: Figures, dashboard: Dashboard, feed: str) -> dict[str, list[list[str]]]:
    """The figures that Elasticsearch returns to a direct query, with today's label of each user."""
    times, record = figures.holdings().times, stored_record()
    assert times is not None

    def rows(panel: Panel, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return persons.labelled(found, lambda id_: record.label("user", id_)) if panel.persons else found

    return {
        panel.id: [[written(column, row) for column in panel.columns] for row in rows(panel, answer.rows)]
        for panel, answer in zip(dashboard.panels, figures.of(dashboard, times, feed), strict=True)
    }


def test_a_range_clicked_before_the_script_has_run_is_kept(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:  # playwright takes no built-in function
        held.append(route)

    page.route("**/static/dashboard.js", hold)
    page.goto("/vitrine/dashboards/session_analysis?range=1h", wait_until="commit")
    page.get_by_text("All", exact=True).click()
    # Evaluated in the page, so that Playwright processes the browser's events meanwhile.
    until(lambda: page.evaluate("1") and len(held) == 1, "the script's being asked for")
    held[0].continue_()
    expect(page.locator("#status")).not_to_contain_text("Loading")
    expect(page.get_by_label("All", exact=True)).to_be_checked()
    expect(page).to_have_url(re.compile(r"range=all"))


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_figure_drawn_is_the_one_that_elasticsearch_has(
    page: Page, sent: Any, figures: Figures, name: str
) -> None:
    frame, dashboard = opened(page, name, sent.feed), DASHBOARDS[name]
    # Other tests may be sending: the page refreshes itself, and at some moment both are equal.
    differ: dict[str, Any] = {}

    def agree() -> bool:
        page_says, index_says = drawn(frame, dashboard), answered(figures, dashboard, sent.feed)
        differ.clear()
        differ.update(
            {key: (page_says[key], said) for key, said in index_says.items() if page_says[key] != said}
        )
        return not differ

    until(
        agree,
        "the page agrees with Elasticsearch",
        lambda: f"{differ} {frame.locator('#status').text_content()}",
    )
    for panel in dashboard.panels:
        if panel.chart is not None:
            expect(frame.locator(f"#{panel.id} svg .mark-group"), panel.id).not_to_have_count(0)


def test_the_figures_are_those_of_the_users_sent(page: Page, sent: Any) -> None:
    frame = opened(page, "user_analysis", sent.feed)
    users = {session.user_id for session in sent.sessions}
    buyers = {session.user_id for session in sent.sessions if session.purchase_made}
    returned = {
        s.user_id for i, s in enumerate(sent.sessions) if s.user_id in {t.user_id for t in sent.sessions[:i]}
    }
    tiles = frame.locator("#users_at_a_glance dd")
    expect(tiles).to_have_text([str(len(users)), str(len(users)), str(len(returned)), str(len(buyers))])


def test_each_bar_is_as_long_as_what_was_sent(page: Page, sent: Any) -> None:
    frame = opened(page, "user_analysis", sent.feed)
    expect(frame.locator("#users_at_a_glance dd").first).to_have_text(
        str(len({s.user_id for s in sent.sessions}))
    )
    drawn_bars = frame.locator("#users_by_country path[aria-label^='Distinct']")
    countries = {session.country for session in sent.sessions}
    wanted = {c: len({s.user_id for s in sent.sessions if s.country == c}) for c in countries}

    def bars() -> dict[str, int]:
        labels = drawn_bars.evaluate_all("(bars) => bars.map((bar) => bar.getAttribute('aria-label'))")
        found = re.findall(r"^Distinct users: (\d+); .*Value: (\w+)", "\n".join(labels), re.MULTILINE)
        return {country: int(users) for users, country in found}

    # The charts are drawn after the figures.
    until(lambda: bars() == wanted, "bars as long as what was sent:", lambda: f"{bars()} for {wanted}")


def test_the_figures_are_those_of_the_sessions_sent_and_follow_new_ones(page: Page, sent: Any) -> None:
    frame = opened(page, "session_analysis", sent.feed)
    bought = [session for session in sent.sessions if session.purchase_made]
    tiles = frame.locator("#sessions_at_a_glance dd")
    revenue = f"{sum(session.amount_spent for session in bought):,.2f}"
    share = WRITTEN["share"](len(bought) / len(sent.sessions))
    expect(tiles).to_have_text([str(len(sent.sessions)), str(len(bought)), share, revenue, "0"])
    steps = frame.locator("#funnel tbody td")
    seen = [s for s in sent.sessions if s.actions]
    filled = [s for s in sent.sessions if "cart" in s.actions]
    expect(steps).to_have_text([str(len(some)) for some in (sent.sessions, seen, filled, bought)])
    sent.more()
    expect(tiles.first).to_have_text(str(len(sent.sessions) + 1))


def test_without_elasticsearch_the_page_shows_it_and_recovers_by_itself(page: Page, sent: Any) -> None:
    """tests/unit/plugins tests the server's answer; this tests how the page shows it."""

    def away(route: Route) -> None:
        route.fulfill(status=503, json={"detail": "Elasticsearch does not answer."})

    frame = opened(page, "user_analysis", sent.feed)
    page.route("**/figures?*", away)
    expect(frame.locator("#status.bad")).to_contain_text("Elasticsearch does not answer.")
    expect(frame.locator("#users_over_time.stale")).to_be_attached()
    page.unroute("**/figures?*", away)
    expect(frame.locator("#status:not(.bad)")).to_contain_text("renewed every")
    expect(frame.locator(".stale")).to_have_count(0)


def test_a_feed_without_sessions_is_shown_as_empty(page: Page) -> None:
    page.goto("/vitrine/dashboards/session_analysis?range=all&feed=nobody")
    expect(page.locator("#sessions_over_time .empty")).to_have_text("No data in this time range.")


BY_WORDS = {
    "user_analysis": ["users_by_country", "users_by_referrer", "users_by_device", "users_by_gender"],
    "session_analysis": ["conversion_by_referrer", "conversion_by_device", "payment_methods"],
}


def told(page: Page, odd: Any) -> None:
    """Makes the server's figures of the feed of `odd` have a row for each of its words: a setting can name
    any word, and then the page must draw it."""

    def rows(panel: dict[str, Any]) -> list[dict[str, Any]]:
        if panel["rows"] and panel["panelId"] == "users_by_system":
            return [panel["rows"][0] | {"key": {"system": word, "browser": word}} for word in odd.words]
        return [row | {"key": word} for row in panel["rows"][:1] for word in odd.words]

    def answer(route: Route) -> None:
        if odd.feed not in route.request.url:
            route.continue_()
            return
        figures = route.fetch().json()
        for panel in figures["panels"]:
            if panel["panelId"] in (
                *BY_WORDS["user_analysis"],
                *BY_WORDS["session_analysis"],
                "users_by_system",
            ):
                panel["rows"] = rows(panel)
        route.fulfill(json=figures)

    page.route("**/figures?*", answer)


@pytest.mark.parametrize("name", BY_WORDS)
def test_words_of_visitors_that_are_on_no_list_are_one_row(page: Page, odd: Any, name: str) -> None:
    frame = opened(page, name, odd.feed)
    for panel in BY_WORDS[name]:
        listed = {"mobile", "other"} if "device" in panel else {"other"}
        rows = frame.locator(f"#{panel}").locator("tbody th")
        expect(rows).to_have_count(len(listed))
        assert set(rows.all_text_contents()) == listed, panel


@pytest.mark.parametrize("name", BY_WORDS)
def test_any_word_has_its_bar_and_its_label(page: Page, odd: Any, name: str) -> None:
    told(page, odd)
    frame = opened(page, name, odd.feed)
    for panel in BY_WORDS[name]:
        place = frame.locator(f"#{panel}")
        expect(place.locator("path[aria-roledescription=bar]")).to_have_count(len(odd.words))
        assert set(odd.words) <= set(place.locator(".role-axis-label text").all_text_contents()), panel
        table = place.locator("tbody th").all_text_contents()
        assert sorted(table) == sorted(odd.words), panel
    expect(frame.locator("[role=alert]")).to_have_count(0)


def test_a_tooltip_shows_the_word_without_its_mark(page: Page, odd: Any) -> None:
    told(page, odd)
    frame = opened(page, "user_analysis", odd.feed)
    bars = frame.locator("#users_by_device path[aria-roledescription=bar]")
    expect(bars).to_have_count(len(odd.words))
    said = set()
    for bar in bars.all():
        [word] = re.findall("; Value: (.*); Sessions: ", bar.get_attribute("aria-label") or "")
        bar.hover()
        expect(frame.locator("#vg-tooltip-element.visible td.value").first).to_have_text(word)
        said.add(word)
    assert said == set(odd.words)


def test_words_of_systems_and_of_reviews_are_drawn_too(page: Page, odd: Any) -> None:
    told(page, odd)
    frame = opened(page, "user_analysis", odd.feed)
    tiles = frame.locator("#users_by_system path[aria-roledescription='rect mark']")
    expect(tiles).to_have_count(len(odd.words))
    frame = opened(page, "session_analysis", odd.feed)
    labels = frame.locator("#sentiment_by_category .role-axis-label text")
    expect(labels.filter(has_text="__proto__")).to_have_count(1)
    assert set(odd.words) <= set(labels.all_text_contents())


def changed(page: Page, panel: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Makes the server send the chart of `panel` as changed by `change`."""

    def answer(route: Route) -> None:
        dashboard = route.fetch().json()
        [found] = [one for one in dashboard["panels"] if one["id"] == panel]
        change(found["chart"])
        route.fulfill(json=dashboard)

    page.route("**/source", answer)


def unmarked(chart: dict[str, Any]) -> None:
    del chart["transform"]
    chart["encoding"]["y"] = {"field": "key", "type": "nominal"}


def test_a_chart_that_fails_is_replaced_by_a_message_and_recovers(page: Page, odd: Any, sent: Any) -> None:
    changed(page, "users_by_device", unmarked)
    told(page, odd)
    frame = opened(page, "user_analysis", odd.feed)
    devices = frame.locator("#users_by_device")
    expect(devices.get_by_role("alert")).to_contain_text("This chart could not be drawn (")
    expect(devices.locator("tbody tr")).to_have_count(len(odd.words))
    expect(frame.locator("#users_by_gender path[aria-roledescription=bar]")).to_have_count(len(odd.words))
    for _ in range(2):  # Once more from a chart that was drawn before.
        frame.get_by_label("Feed").select_option(sent.feed)
        expect(devices.locator("path[aria-roledescription=bar]")).to_have_count(3)
        expect(devices.get_by_role("alert")).to_have_count(0)
        frame.get_by_label("Feed").select_option(odd.feed)
        expect(devices.get_by_role("alert")).to_contain_text("This chart could not be drawn (")


def test_an_invalid_chart_is_replaced_by_a_message_too(page: Page, sent: Any) -> None:
    changed(page, "users_by_device", lambda chart: chart.update(mark="no such mark"))
    frame = opened(page, "user_analysis", sent.feed)
    expect(frame.locator("#users_by_device").get_by_role("alert")).to_contain_text("could not be drawn (")
    expect(frame.locator("#users_by_device tbody tr")).to_have_count(3)
    expect(frame.locator("#users_by_gender path[aria-roledescription=bar]")).to_have_count(2)


def test_the_page_is_dark_where_airflow_is(page: Page, sent: Any) -> None:
    frame = opened(page, "user_analysis", sent.feed)
    expect(frame.locator("html[data-theme=light]")).to_be_attached()
    page.evaluate("document.documentElement.classList.add('dark')")
    expect(frame.locator("html[data-theme=dark]")).to_be_attached()
    expect(frame.locator("#users_by_country svg")).to_be_visible()
