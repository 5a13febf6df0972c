"""The reports as a reader sees them in Airflow: listed, opened, and on the run that wrote them."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Error, Page, expect
from waiting import HUNG_S, until

from lab import screenshots
from stack.airflow_api import FINISHED, AirflowApi
from stack.context import this_checkout
from streaming.settings import MongoSettings
from streaming.simulate.command import run as simulate
from streaming.sinks.mongo.sessions import MongoSessions

CHAIN = ("extract_sessions", "private_models", "shap_reports")


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """The newest report of this stack; if there is none yet, the DAGs write one from simulated sessions."""
    try:
        return screenshots.newest_report(this_checkout())
    except FileNotFoundError:
        _make_a_report()
        return screenshots.newest_report(this_checkout())


def _make_a_report() -> None:
    api = AirflowApi(this_checkout())
    assert simulate(sessions=3_000, seed=1) == 0
    since = api.trigger(CHAIN[0]).queued_at
    states: dict[str, list[str]] = {}

    def reported() -> bool:
        states.update({dag: [run.state for run in api.runs(dag, since)] for dag in CHAIN})
        assert not any("failed" in found for found in states.values()), states
        return bool(states[CHAIN[-1]]) and all(state in FINISHED for state in states[CHAIN[-1]])

    until(reported, "a report:", lambda: str(states), hung_s=4 * HUNG_S)


def test_a_report_is_listed_with_its_figures_and_what_is_not_proven(
    page: Page, report: dict[str, Any]
) -> None:
    screenshots.reports(page)
    frame = page.frame_locator("iframe[title='Reports']")
    row = frame.locator("tbody tr").first
    expect(row).to_contain_text(report["title"])
    for model in report["models"]:
        expect(row).to_contain_text(model["model"].replace("_", " "))
        if model["roc_auc"] is not None:
            expect(row).to_contain_text(f"{model['roc_auc']:.3f}")
    expect(frame.locator(".notice")).to_have_text(report["unproven"])


def test_a_report_opens_from_the_list_within_airflow(page: Page, report: dict[str, Any]) -> None:
    screenshots.reports(page)
    frame = page.frame_locator("iframe[title='Reports']")
    frame.locator("tbody tr").first.get_by_role("link").click()
    document = frame.frame_locator("iframe.report")
    expect(document.locator("body")).to_contain_text("SHAP")
    assert document.locator("svg, img").count() > 0


@pytest.mark.parametrize(
    ("dag", "run"), [("shap_reports", "report_run_id"), ("private_models", "model_run_id")]
)
def test_a_report_is_a_tab_on_the_runs_it_belongs_to(
    page: Page, report: dict[str, Any], dag: str, run: str
) -> None:
    screenshots.run_tab(page, dag, report[run])
    document = page.frame_locator("iframe[title='Report']").frame_locator("iframe.report")
    expect(document.locator("body")).to_contain_text("SHAP")


def test_a_run_without_a_report_shows_which_runs_have_one(page: Page) -> None:
    page.goto("/vitrine/run-report?run_id=manual__without")
    expect(page.locator("main")).to_contain_text("No report belongs to this run")


def test_a_reports_scripts_cannot_act_as_the_reader(reader: BrowserContext, report: dict[str, Any]) -> None:
    """Not even if it is opened outside the frame: the sandbox is a header of the document."""
    page = reader.new_page()
    page.goto("/vitrine/reports")
    link = page.locator("tbody tr").first.get_by_role("link")
    page.goto(f"{link.get_attribute('href')}/document")
    assert page.evaluate("window.origin") == "null"
    assert not page.evaluate("fetch('/vitrine/reports').then((answer) => answer.ok, () => false)")
    with pytest.raises(Error, match="sandboxed"):
        page.evaluate("document.cookie")
    page.close()


def test_a_report_is_one_file_that_loads_nothing(page: Page, report: dict[str, Any]) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    screenshots.reports(page)
    link = page.frame_locator("iframe[title='Reports']").locator("tbody tr").first.get_by_role("link")
    address = f"{link.get_attribute('href')}/document"
    asked.clear()
    page.goto(address, wait_until="networkidle")
    assert [url for url in asked if not url.startswith("data:")] == [
        screenshots.url(this_checkout()) + address
    ]
    folder = Path(this_checkout().environment["VITRINE_DATA_DIR"]) / "reports"
    assert (folder / f"{address.split('/')[-2]}.html").stat().st_size < 3_000_000
    assert json.loads((folder / f"{address.split('/')[-2]}.json").read_text())["title"] == report["title"]


def test_a_reports_data_can_be_downloaded(page: Page, report: dict[str, Any]) -> None:
    """Also from the sandboxed frame: the links contain the files."""
    screenshots.reports(page)
    frame = page.frame_locator("iframe[title='Reports']")
    frame.locator("tbody tr").first.get_by_role("link").click()
    with page.expect_download() as download:
        frame.frame_locator("iframe.report").get_by_role("link", name=".csv").click()
    text = Path(download.value.path()).read_text()
    assert "shap_boosted_trees_cartValueCents" in text.partition("\n")[0]


def test_an_admin_sees_why_a_stored_session_got_its_score(page: Page, report: dict[str, Any]) -> None:
    session = next(MongoSessions(MongoSettings()).scan())["_id"]
    page.goto("/vitrine/why")
    page.get_by_label("Session").fill(session)
    page.get_by_role("button", name="Explain").click()
    expect(page.locator(".score")).to_contain_text("likely to end in a purchase")
    assert page.locator("tbody tr").count() > 5
    assert session not in page.url


def test_a_question_about_a_session_is_on_the_page_of_the_record(page: Page, report: dict[str, Any]) -> None:
    """By a keyed hash, though no such session is stored."""
    asked = f"no-session-{uuid.uuid4().hex}"
    page.goto("/vitrine/why")
    page.locator("input[name=session]").fill(asked)
    page.locator("input[name=why]").fill(f"test {asked[-6:]}")
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_role("alert")).to_contain_text("No such session")
    page.goto("/vitrine/accesses")
    row = page.locator("tbody tr", has_text=f"test {asked[-6:]}")
    expect(row).to_contain_text("explanation")
    expect(row).to_contain_text("airflow:")
    assert asked not in page.content()
