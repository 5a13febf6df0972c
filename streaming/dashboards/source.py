"""The declaration of a dashboard: panels, each with the question that it answers, its query and its chart."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from streaming.dashboards.words import marked

Kind = Literal["text", "count", "cents", "seconds", "score", "share", "time"]
"""How a figure is formatted: `cents` as an amount of money, `share` as a percentage, `time` is in ms."""


class Column(Struct, frozen=True, forbid_unknown_fields=True):
    """One figure of a row, in the table beside the chart."""

    title: str
    field: str
    """Path into the row, in Vega's syntax: `users.value`, `name.buckets[0].key`."""
    kind: Kind = "count"
    per: str | None = None
    """Path of a divisor, if the figure is a ratio of two values."""


class Panel(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One chart: `aggs` is the query to `index`; `chart` draws the rows at `rows` of the response."""

    id: str
    title: str
    question: str
    """The question that the panel answers, a sentence for the reader."""
    index: str
    time_field: str
    window_ms: int | None = None
    """The length of the window, if documents are window aggregates. These always cover all feeds."""
    aggs: dict[str, Any]
    """Elasticsearch aggregations; `interval: {"%autointerval%": n}`, as in Kibana, makes about n buckets."""
    rows: str
    """Path of the rows in the response: a list, or one object for a single row."""
    columns: list[Column]
    chart: dict[str, Any] | None = None
    """A Vega-Lite view without its data; None if the figures are shown as tiles."""
    width: Literal["half", "full"] = "half"
    persons: bool = False
    """True if it shows single persons: such a panel is not for viewers, and our pages show labels in it."""


class Dashboard(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A page of panels that share one time range and one feed."""

    name: str
    title: str
    description: str
    panels: list[Panel]


def load(path: Path) -> Dashboard:
    """Returns the dashboard in `path`; its charts are made safe for any word of the data (words.py). Raises
    msgspec.ValidationError, with the position of the error, if the file is not valid."""
    dashboard = msgspec.yaml.decode(path.read_bytes(), type=Dashboard)
    panels = [
        replace(panel, chart=marked(panel.chart)) if panel.chart is not None else panel
        for panel in dashboard.panels
    ]
    return replace(dashboard, panels=panels)


def load_all(directory: Path) -> dict[str, Dashboard]:
    """Returns every dashboard of `directory` by its name, users before sessions."""
    dashboards = [load(path) for path in sorted(directory.glob("*.yaml"), reverse=True)]
    return {dashboard.name: dashboard for dashboard in dashboards}


def for_everyone(dashboard: Dashboard) -> Dashboard:
    """Returns `dashboard` without its panels of single persons."""
    return replace(dashboard, panels=[panel for panel in dashboard.panels if not panel.persons])


def of_persons(dashboards: Iterable[Dashboard]) -> Dashboard:
    """Returns a dashboard of the panels of single persons in all `dashboards`."""
    return Dashboard(
        name="persons",
        title="Single Persons",
        description="Single users by their ids. Only for people who may read the sessions themselves.",
        panels=[panel for dashboard in dashboards for panel in dashboard.panels if panel.persons],
    )
