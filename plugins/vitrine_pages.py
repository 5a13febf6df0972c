"""Rendering of pages and the list of reports, for vitrine_plugin.py and the modules of its pages."""

from pathlib import Path
from typing import Any

import jinja2
import msgspec
from fastapi import HTTPException
from fastapi.responses import HTMLResponse
from msgspec import Struct

from streaming.contract.visible import shown
from streaming.settings import DataSettings

PREFIX = "/vitrine"
HERE = Path(__file__).resolve().parent

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)

FORM_POLICY = PAGE_POLICY.replace("form-action 'none'", "form-action 'self'")

_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, finalize=shown
)


def page(template: str, **values: Any) -> HTMLResponse:
    """Returns `template` filled with `values`, each of them escaped: markup, and characters that disturb."""
    html = _templates.get_template(template).render(prefix=PREFIX, **values)
    return HTMLResponse(html, headers={"Content-Security-Policy": PAGE_POLICY})


class ReportedModel(Struct):
    """One model of a report's summary."""

    model: str
    private: bool = True
    epsilon: float | None = None
    roc_auc: float | None = None


class Report(Struct):
    """The content of `reports/<name>.json`, which describes the page beside it (written by ml.reports)."""

    title: str
    created: str
    epsilon: float | None = None
    models: list[ReportedModel] = []
    unproven: str | None = None
    """Which privacy claim is not yet proven."""
    model_run_id: str | None = None
    report_run_id: str | None = None
    name: str = ""
    """The name of both files, without extension."""


def reports() -> list[Report]:
    """Returns all complete reports, newest first; leaves out those whose summary cannot be read."""
    found = []
    for summary in DataSettings().layout.reports.glob("*.json"):
        try:
            report = msgspec.json.decode(summary.read_bytes(), type=Report)
        except (msgspec.MsgspecError, OSError):
            continue
        if summary.with_suffix(".html").is_file():
            report.name = summary.stem
            found.append(report)
    return sorted(found, key=lambda report: report.created, reverse=True)


def named(name: str) -> Report:
    """Returns the report called `name`, or raises HTTPException 404. It is looked up in the list of reports;
    no path is built from `name`, so no name leads out of the folder."""
    for report in reports():
        if report.name == name:
            return report
    raise HTTPException(404, "There is no such report.")
