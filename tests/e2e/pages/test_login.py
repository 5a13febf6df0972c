"""Nothing of the pages is served without a login."""

import pytest
from playwright.sync_api import BrowserContext, expect

ADDRESSES = [
    "/vitrine/reports",
    "/vitrine/reports/any",
    "/vitrine/reports/any/document",
    "/vitrine/run-report?run_id=any",
    "/vitrine/dashboards/user_analysis",
    "/vitrine/dashboards/session_analysis/source",
    "/vitrine/dashboards/session_analysis/figures?range=all",
    "/vitrine/static/vega.js",
    "/vitrine/static/dashboard.js",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_stranger_is_refused(stranger: BrowserContext, address: str) -> None:
    for path in (
        address,
        address.replace("/vitrine/", "/vitrine//"),
        address.replace("/vitrine/", "/./vitrine/"),
    ):
        answer = stranger.request.get(path)
        assert answer.status in (401, 404), path
    assert stranger.request.get(address).status == 401


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_made_up_token_is_refused(stranger: BrowserContext, address: str) -> None:
    assert stranger.request.get(address, headers={"Authorization": "Bearer made-up"}).status in (401, 403)
    assert stranger.request.get(address, headers={"Cookie": "_token=made-up"}).status in (401, 403)


@pytest.mark.parametrize("address", ["/vitrine/docs", "/vitrine/openapi.json", "/vitrine/redoc"])
def test_there_is_no_documentation_for_strangers(stranger: BrowserContext, address: str) -> None:
    assert stranger.request.get(address).status in (401, 404)


def test_the_menus_pages_ask_a_stranger_to_log_in(stranger: BrowserContext) -> None:
    page = stranger.new_page()
    page.goto("/plugin/vitrine_users")
    expect(page.locator("input[name=password]")).to_be_visible()
