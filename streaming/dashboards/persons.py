"""Panels of single persons, with a label instead of each id. Pure."""

from collections.abc import Callable
from typing import Any

from streaming.dashboards.source import Dashboard, Panel

ID = "key"
"""Where a row of such a panel has the id: it is a bucket of `terms`."""


def ids(rows: list[dict[str, Any]]) -> list[str]:
    """Returns the ids in the rows of a panel of single persons."""
    return [str(row[ID]) for row in rows if ID in row]


def labelled(rows: list[dict[str, Any]], label: Callable[[str], str]) -> list[dict[str, Any]]:
    """Returns the rows with `label(id)` in the place of each id."""
    return [row | {ID: label(str(row[ID]))} if ID in row else row for row in rows]


def panels(dashboard: Dashboard) -> dict[str, Panel]:
    """Returns the panels of single persons by their ids."""
    return {panel.id: panel for panel in dashboard.panels if panel.persons}
