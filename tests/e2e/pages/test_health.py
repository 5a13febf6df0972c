"""The page Health: its panels for the running stack, and one panel without an answer among the others."""

import json
from typing import Any

from playwright.sync_api import FrameLocator, Page, Route, expect
from waiting import until

from stack import services
from stack.context import this_checkout

RECENT = "**/health/recent"


def opened(page: Page) -> FrameLocator:
    """Opens the page from the menu and waits until it is drawn."""
    page.goto("/")
    page.get_by_role("link", name="Health", exact=True).click()
    frame = page.frame_locator("iframe[title='Health']")
    expect(frame.locator("#panels[data-drawn]")).to_be_attached()
    return frame


def rows(frame: FrameLocator, panel: str) -> dict[str, list[str]]:
    """The cells of a panel's table, by the row's header."""
    found = frame.locator(f"#{panel} tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in found}


def test_it_shows_the_state_of_the_running_stack(page: Page, sent: Any) -> None:
    frame = opened(page)
    # The monitor probes every few seconds, and the page reads it as often: what was just sent appears later.
    stages = ["gate", "store", "flink-job", "index"]
    until(lambda: list(rows(frame, "lag")) == stages, "the lag of each stage")
    expect(frame.locator("#lag .spark svg")).to_have_count(4)
    wanted = {service.name for service in services.services(this_checkout())} - {"watch"}
    until(lambda: rows(frame, "services").keys() == wanted, "all services")

    def valid() -> int:
        return int(rows(frame, "outcomes").get("valid", ["0"])[0].replace(",", ""))

    until(lambda: valid() >= len(sent.sessions), "the outcomes of what was sent")
    expect(frame.locator("#outcomes .chart svg")).to_be_visible()
    until(lambda: rows(frame, "filters").keys() == {"sessions", "users"}, "both filters")
    glance = frame.locator("#glance")
    expect(glance.get_by_text("Newest searchable session")).to_be_visible()
    expect(glance.locator("dd").first).to_contain_text("old")


def test_a_component_without_an_answer_leaves_the_other_panels_alone(page: Page, sent: Any) -> None:
    def without_redis(route: Route) -> None:
        recent = json.loads(route.fetch().body())
        for probe in recent["probes"]:
            if probe["probe"] == "redis":
                probe["away"] = "ConnectionError"
        recent["readings"] = [one for one in recent["readings"] if "filter" not in one["metric"]]
        route.fulfill(json=recent)

    page.route(RECENT, without_redis)
    frame = opened(page)
    expect(frame.locator("#filters .empty")).to_contain_text("no answer here (ConnectionError)")
    expect(frame.locator("#glance")).to_contain_text("no answer")
    until(lambda: "gate" in rows(frame, "lag") and "kafka" in rows(frame, "services"), "the other panels")
    page.unroute(RECENT, without_redis)
    expect(frame.locator("#filters tbody tr")).to_have_count(2)


def test_a_chart_that_fails_is_replaced_by_a_message(page: Page, sent: Any) -> None:
    broken = "window.vegaEmbed = async () => { throw new Error('no ink'); };"
    page.route("**/static/vega.js", lambda route: route.fulfill(body=broken, content_type="text/javascript"))
    frame = opened(page)
    expect(frame.locator("#outcomes .chart").get_by_role("alert")).to_contain_text(
        "could not be drawn (no ink)"
    )
    expect(frame.locator("#outcomes tbody tr").first).to_be_visible()
    expect(frame.locator("#status:not(.bad)")).to_contain_text("renewed every")


def test_without_the_monitor_the_page_shows_it_and_recovers_by_itself(page: Page, sent: Any) -> None:
    def unavailable(route: Route) -> None:
        route.fulfill(status=503, json={"detail": "The monitor does not answer."})

    frame = opened(page)
    page.route(RECENT, unavailable)
    expect(frame.locator("#status.bad")).to_contain_text("The monitor does not answer.")
    expect(frame.locator("#panels.stale")).to_be_attached()
    page.unroute(RECENT, unavailable)
    expect(frame.locator("#status:not(.bad)")).to_contain_text("renewed every")


def test_a_broken_privacy_ledger_is_shown(page: Page, sent: Any) -> None:
    told = "The privacy ledger is shorter: <b>its newest entry was 3</b>."
    page.route("**/budget/condition", lambda route: route.fulfill(json={"ledger": "shorter", "told": told}))
    frame = opened(page)
    expect(frame.get_by_role("alert")).to_have_text(told)


def test_an_intact_privacy_ledger_needs_no_words(page: Page, sent: Any) -> None:
    with page.expect_response("**/budget/condition") as answered:
        frame = opened(page)
    assert answered.value.json()["told"] == ""
    expect(frame.locator("#ledger")).to_be_hidden()
