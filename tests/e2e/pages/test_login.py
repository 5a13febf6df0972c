"""No page is served without a login."""

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
    "/vitrine/flink/",
    "/vitrine/flink/jobs/overview",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_browser_without_login_is_refused(anonymous: BrowserContext, address: str) -> None:
    for path in (
        address,
        address.replace("/vitrine/", "/vitrine//"),
        address.replace("/vitrine/", "/./vitrine/"),
    ):
        answer = anonymous.request.get(path)
        assert answer.status in (401, 404), path
    assert anonymous.request.get(address).status == 401


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_made_up_token_is_refused(anonymous: BrowserContext, address: str) -> None:
    assert anonymous.request.get(address, headers={"Authorization": "Bearer made-up"}).status in (401, 403)
    assert anonymous.request.get(address, headers={"Cookie": "_token=made-up"}).status in (401, 403)


@pytest.mark.parametrize("address", ["/vitrine/docs", "/vitrine/openapi.json", "/vitrine/redoc"])
def test_there_is_no_documentation_without_login(anonymous: BrowserContext, address: str) -> None:
    assert anonymous.request.get(address).status in (401, 404)


def test_the_menus_pages_lead_to_the_login(anonymous: BrowserContext) -> None:
    page = anonymous.new_page()
    page.goto("/plugin/vitrine_users")
    expect(page.locator("input[name=password]")).to_be_visible()
