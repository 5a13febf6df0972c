"""`python -m lab.screenshots [FOLDER]`: saves the pages of the running Airflow as PNGs, with a real
browser."""

import json
import shutil
import sys
from pathlib import Path

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    ViewportSize,
    expect,
    sync_playwright,
)

from stack import airflow_passwords, logins
from stack.context import this_checkout
from stack.layout import HERE
from stack.service import StackContext
from stack.settings import ADDRESS_VARIABLE
from streaming.data_folder.layout import DataLayout

TIMEOUT_MS = 60_000
SIZE = ViewportSize(width=1360, height=1000)
LOW = ViewportSize(width=1360, height=620)
TALL = ViewportSize(width=1360, height=1500)

# Turn off requests to Chromium's vendor, and the sandbox, which does not work as root.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def launch(playwright: Playwright) -> Browser:
    """Starts Debian's Chromium without a window. Raises FileNotFoundError if it is not installed."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise FileNotFoundError("there is no chromium: apt-get install chromium")
    return playwright.chromium.launch(executable_path=chromium, args=FLAGS)


def url(place: StackContext) -> str:
    """Returns Airflow's address."""
    return place.environment[ADDRESS_VARIABLE["airflow"]]


def log_in(context: BrowserContext, place: StackContext) -> None:
    """Logs the browser in with Airflow's form."""
    page = context.new_page()
    page.goto(url(place))
    user = logins.first_admin(place.settings.users)
    page.locator("input[name=username]").fill(user)
    page.locator("input[name=password]").fill(airflow_passwords.password(place.layout, user))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="Reports", exact=True)).to_be_visible(timeout=TIMEOUT_MS)
    page.close()


def dashboard(page: Page, name: str) -> None:
    """Opens a dashboard from the menu and waits until all of it is drawn."""
    page.goto("/")
    page.get_by_role("link", name=name, exact=True).click()
    frame = page.frame_locator(f"iframe[title='{name}']")
    expect(frame.locator("#panels[data-drawn]")).to_be_attached(timeout=TIMEOUT_MS)


def health(page: Page) -> None:
    """Opens the page Health from the menu and waits until it is drawn."""
    page.goto("/")
    page.get_by_role("link", name="Health", exact=True).click()
    frame = page.frame_locator("iframe[title='Health']")
    expect(frame.locator("#panels[data-drawn]")).to_be_attached(timeout=TIMEOUT_MS)


def reports(page: Page) -> None:
    """Opens the list of reports from the menu."""
    page.goto("/")
    page.get_by_role("link", name="Reports", exact=True).click()
    frame = page.frame_locator("iframe[title='Reports']")
    expect(frame.locator("tbody tr").first).to_be_visible(timeout=TIMEOUT_MS)


def run_tab(page: Page, dag: str, run_id: str) -> None:
    """Opens the tab 'Report' of a DAG run."""
    page.goto(f"/dags/{dag}/runs/{run_id}")
    page.get_by_role("link", name="Report", exact=True).click()
    document = page.frame_locator("iframe[title='Report']").frame_locator("iframe.report")
    expect(document.locator("h1").first).to_be_visible(timeout=TIMEOUT_MS)


def newest_report(place: StackContext) -> dict[str, str]:
    """Returns the summary of the newest report. Raises FileNotFoundError if there is none."""
    found = DataLayout(Path(place.environment["VITRINE_DATA_DIR"])).reports.glob("*.json")
    summaries = [json.loads(summary.read_text()) for summary in found]
    if not summaries:
        raise FileNotFoundError("there is no report yet; run ./vitrine demo to make one")
    return max(summaries, key=lambda summary: str(summary["created"]))


def main(folder: Path) -> int:
    """Writes the screenshots; returns the exit code."""
    place = this_checkout()
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, launch(playwright) as browser:
        context = browser.new_context(base_url=url(place), viewport=SIZE)
        log_in(context, place)
        page = context.new_page()

        def keep(name: str) -> None:
            page.screenshot(path=folder / f"{name}.png", animations="disabled")
            print(folder / f"{name}.png", file=sys.stderr)

        page.set_viewport_size(TALL)
        dashboard(page, "User Analysis")
        keep("user-analysis")
        dashboard(page, "Session Analysis")
        keep("session-analysis")
        health(page)
        keep("health")
        page.set_viewport_size(LOW)
        reports(page)
        keep("reports")
        page.set_viewport_size(SIZE)
        run_tab(page, "shap_reports", newest_report(place)["report_run_id"])
        keep("report-of-a-run")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.root / "docs" / "images"))
