"""Kibana's saved objects, compared with what Kibana 8.19 imports. Kibana itself cannot be installed here."""

import json
from pathlib import Path
from typing import Any

import pytest

from streaming.dashboards import kibana, source
from streaming.dashboards.__main__ import EXPORT, PERSONS, exports, main

DIRECTORY = Path(__file__).parents[3] / "dashboards"
LOADED = source.load_all(DIRECTORY).values()
FILES = {EXPORT: [*map(source.for_everyone, LOADED)], PERSONS: [source.of_persons(LOADED)]}
DASHBOARDS = [dashboard for dashboards in FILES.values() for dashboard in dashboards]
OBJECTS = [saved for dashboards in FILES.values() for saved in kibana.saved_objects(dashboards)]
VISUALIZATIONS = [saved for saved in OBJECTS if saved["type"] == "visualization"]


def vega(visualization: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(json.loads(visualization["attributes"]["visState"])["params"]["spec"])
    return spec


def test_the_committed_files_are_up_to_date() -> None:
    for name, text in exports(DIRECTORY).items():
        assert (DIRECTORY / name).read_text(encoding="utf-8") == text, "run `python -m streaming.dashboards`"


def test_the_command_writes_the_files(tmp_path: Path) -> None:
    for file in DIRECTORY.glob("*.yaml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert main(tmp_path) == 0
    for name in (EXPORT, PERSONS):
        assert (tmp_path / name).read_bytes() == (DIRECTORY / name).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_one_json_object_per_line_and_a_count_at_the_end(name: Path) -> None:
    *objects, details = [json.loads(line) for line in (DIRECTORY / name).read_text().splitlines()]
    assert details["exportedCount"] == len(objects)
    assert {saved["type"] for saved in objects} == {"index-pattern", "visualization", "dashboard"}


@pytest.mark.parametrize("name", FILES)
def test_every_reference_is_to_an_earlier_object(name: Path) -> None:
    known: set[tuple[str, str]] = set()
    for saved in kibana.saved_objects(FILES[name]):
        assert {(reference["type"], reference["id"]) for reference in saved["references"]} <= known
        assert (saved["type"], saved["id"]) not in known
        known.add((saved["type"], saved["id"]))


def test_the_file_for_everyone_has_no_panel_of_single_persons() -> None:
    assert "top_returning_users" not in (DIRECTORY / EXPORT).read_text()
    assert "top_returning_users" in (DIRECTORY / PERSONS).read_text()


def test_each_dashboard_shows_each_panel_once_without_overlap() -> None:
    for dashboard in DASHBOARDS:
        [saved] = [saved for saved in OBJECTS if saved["attributes"]["title"] == dashboard.title]
        panels = json.loads(saved["attributes"]["panelsJSON"])
        names = {reference["name"]: reference["id"] for reference in saved["references"]}
        shown = [names[f"{panel['panelIndex']}:{panel['panelRefName']}"] for panel in panels]
        assert shown == [f"vitrine-{panel.id}" for panel in dashboard.panels]
        taken: set[tuple[int, int]] = set()
        for place in (panel["gridData"] for panel in panels):
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert place["x"] + place["w"] <= kibana.GRID_COLUMNS
            assert not cells & taken
            taken |= cells


@pytest.mark.parametrize("saved", VISUALIZATIONS, ids=lambda saved: saved["id"])
def test_a_panel_uses_kibanas_time_and_filters(saved: dict[str, Any]) -> None:
    url = vega(saved)["data"]["url"]
    assert url["%context%"] is True
    assert url["%timefield%"] in ("eventTimeMs", "windowStartMs")
    # Kibana refuses a query in the body together with its context.
    assert set(url["body"]) == {"size", "aggs"}


@pytest.mark.parametrize(
    "panel", [panel for d in DASHBOARDS for panel in d.panels], ids=lambda panel: panel.id
)
def test_kibana_sends_the_same_query_as_the_page(panel: source.Panel) -> None:
    [saved] = [saved for saved in VISUALIZATIONS if saved["id"] == f"vitrine-{panel.id}"]
    data = vega(saved)["data"]
    assert data["url"]["body"]["aggs"] == panel.aggs
    assert data["url"]["index"] == panel.index
    assert data["format"]["property"] == panel.rows
