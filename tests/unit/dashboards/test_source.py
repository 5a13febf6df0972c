"""The declarations in dashboards/."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streaming.contract import topics
from streaming.dashboards import source
from streaming.dashboards.source import Dashboard, Panel
from streaming.summaries.product import ProductActivity
from streaming.summaries.review import ReviewSentiment
from streaming.summaries.session import SessionSummary

DIRECTORY = Path(__file__).parents[3] / "dashboards"
DASHBOARDS = source.load_all(DIRECTORY)
PANELS = [panel for dashboard in DASHBOARDS.values() for panel in dashboard.panels]
DOCUMENTS: dict[str, type[msgspec.Struct]] = {
    topics.SESSION_SUMMARIES: SessionSummary,
    topics.PRODUCT_ACTIVITY: ProductActivity,
    topics.PRODUCT_SENTIMENT: ReviewSentiment,
}
# What the server's core answers without any module: no scripts, no pipelines.
AGGREGATIONS = {
    "terms",
    "date_histogram",
    "cardinality",
    "percentiles",
    "composite",
    "filter",
    "filters",
    "sum",
    "avg",
}


def fields(value: Any) -> Iterator[str]:
    """Every document field in a query."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key == "field":
                yield part
            elif key in ("term", "terms") and "field" not in part:
                yield from part
            else:
                yield from fields(part)
    elif isinstance(value, list):
        for part in value:
            yield from fields(part)


def kinds(aggs: dict[str, Any]) -> Iterator[str]:
    for aggregation in aggs.values():
        yield from aggregation.keys() - {"aggs"}
        yield from kinds(aggregation.get("aggs", {}))


def test_there_are_two_dashboards() -> None:
    assert [dashboard.title for dashboard in DASHBOARDS.values()] == ["User Analysis", "Session Analysis"]


def test_panel_ids_are_unique() -> None:
    assert len({panel.id for panel in PANELS}) == len(PANELS)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.id)
def test_a_query_uses_only_fields_of_its_documents(panel: Panel) -> None:
    held = {field.encode_name for field in msgspec.structs.fields(DOCUMENTS[panel.index])}
    assert {panel.time_field, *fields(panel.aggs)} <= held
    assert panel.window_ms is not None or "feed" in held


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.id)
def test_a_query_uses_only_aggregations_that_every_server_supports(panel: Panel) -> None:
    assert set(kinds(panel.aggs)) <= AGGREGATIONS


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.id)
def test_a_panel_has_one_question_and_figures(panel: Panel) -> None:
    assert panel.question.endswith("?")
    assert panel.columns
    assert panel.rows.startswith("aggregations")


def test_no_panel_shows_more_of_a_person_than_an_id() -> None:
    assert not {"name", "email", "zipCode", "city"} & set(fields([panel.aggs for panel in PANELS]))


def groups(aggs: dict[str, Any]) -> Iterator[str]:
    """The fields by whose values a response has rows."""
    for aggregation in aggs.values():
        for kind in ("terms", "composite"):
            yield from fields(aggregation.get(kind, {}))
        yield from groups(aggregation.get("aggs", {}))


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.id)
def test_a_panel_with_a_row_for_each_user_is_for_the_privileged_alone(panel: Panel) -> None:
    assert panel.persons == bool({"userPseudonym", "sessionPseudonym"} & set(groups(panel.aggs)))


def test_panels_of_single_persons_are_separated() -> None:
    everyone = [panel.id for d in DASHBOARDS.values() for panel in source.for_everyone(d).panels]
    persons = [panel.id for panel in source.of_persons(DASHBOARDS.values()).panels]
    assert persons == ["top_returning_users"]
    assert sorted(everyone + persons) == sorted(panel.id for panel in PANELS)


@pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
def test_a_hidden_panel_leaves_no_gap_on_the_page(dashboard: Dashboard) -> None:
    for seen in (dashboard, source.for_everyone(dashboard)):
        halves = 0
        for panel in seen.panels:
            assert panel.width == "half" or halves % 2 == 0, f"a hole before {panel.id}"
            halves += panel.width == "half"
        assert halves % 2 == 0


def test_a_misspelt_key_is_an_error_that_names_it(tmp_path: Path) -> None:
    wrong = json.loads(msgspec.json.encode(DASHBOARDS["user_analysis"]))
    wrong["panels"][0]["tittle"] = "x"
    (tmp_path / "wrong.yaml").write_text(json.dumps(wrong))
    with pytest.raises(msgspec.ValidationError, match="tittle"):
        source.load(tmp_path / "wrong.yaml")


def test_a_dashboard_is_the_same_after_json() -> None:
    for dashboard in DASHBOARDS.values():
        assert msgspec.json.decode(msgspec.json.encode(dashboard), type=Dashboard) == dashboard
