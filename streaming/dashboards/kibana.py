"""Makes Kibana's saved objects of the dashboards: data views, Vega panels, dashboards. Pure.

The objects have the form that Kibana 8 exports, at versions that 8.19 migrates on import. A panel's query is
used unchanged: `%timefield%` and `%context%` make Kibana add its own time range and filters
(https://www.elastic.co/guide/en/kibana/8.19/vega.html).
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from streaming.dashboards.source import Column, Dashboard, Kind, Panel

VEGA_LITE = "https://vega.github.io/schema/vega-lite/v5.json"
GRID_COLUMNS = 48
_ROWS_OF_CHART = 14
_ROWS_OF_TILES = 7

SavedObject = dict[str, Any]


def ndjson(dashboards: Iterable[Dashboard]) -> str:
    """Returns the import file: one saved object per line; each object comes before those that refer to it."""
    objects = list(saved_objects(list(dashboards)))
    details = {
        "excludedObjects": [],
        "excludedObjectsCount": 0,
        "exportedCount": len(objects),
        "missingRefCount": 0,
        "missingReferences": [],
    }
    return "".join(f"{_compact(line)}\n" for line in [*objects, details])


def saved_objects(dashboards: list[Dashboard]) -> Iterator[SavedObject]:
    """Yields a data view for each index, then each dashboard after its panels."""
    indices = {panel.index: panel.time_field for dashboard in dashboards for panel in dashboard.panels}
    for index, time_field in sorted(indices.items()):
        attributes = {"title": index, "name": index, "timeFieldName": time_field}
        yield _object("index-pattern", f"vitrine-{index}", "8.0.0", attributes, [])
    for dashboard in dashboards:
        for panel in dashboard.panels:
            yield _object("visualization", _panel_id(panel), "8.5.0", _visualization(panel), [])
        references = [
            {"type": "visualization", "id": _panel_id(panel), "name": f"{panel.id}:panel_{panel.id}"}
            for panel in dashboard.panels
        ]
        yield _object("dashboard", f"vitrine-{dashboard.name}", "8.9.0", _dashboard(dashboard), references)


def spec(panel: Panel) -> dict[str, Any]:
    """Returns the Vega-Lite specification of `panel` with the query that Kibana sends for it."""
    chart = panel.chart if panel.chart is not None else _tiles(panel.columns)
    return {
        "$schema": VEGA_LITE,
        "title": panel.question,
        "data": {
            "name": "figures",
            "url": {
                "%context%": True,
                "%timefield%": panel.time_field,
                "index": panel.index,
                "body": {"size": 0, "aggs": panel.aggs},
            },
            "format": {"property": panel.rows},
        },
        **chart,
    }


def _tiles(columns: list[Column]) -> dict[str, Any]:
    """Returns a chart that shows the figures of a single row, each in large type above its title."""
    titles = [column.title for column in columns]
    return {
        "transform": [
            *({"calculate": _written(column), "as": column.title} for column in columns),
            {"fold": titles, "as": ["title", "figure"]},
        ],
        "encoding": {"x": {"field": "title", "type": "nominal", "sort": titles, "axis": None}},
        "layer": [
            {"mark": {"type": "text", "fontSize": 26, "dy": -8}, "encoding": {"text": {"field": "figure"}}},
            {"mark": {"type": "text", "fontSize": 12, "dy": 18}, "encoding": {"text": {"field": "title"}}},
        ],
    }


_FORMATS: dict[Kind, str] = {
    "text": "{0}",
    "count": "format({0}, ',')",
    "cents": "format({0} / 100, ',.2f')",
    "seconds": "format({0} / 60, '.1f') + ' min'",
    "score": "format({0}, '.2f')",
    "share": "format({0}, '.1%')",
    "time": "utcFormat({0}, '%Y-%m-%d %H:%M')",
}


def _written(column: Column) -> str:
    """Returns the Vega expression that formats the figure of `column`."""
    value = f"datum.{column.field}"
    if column.per is not None:
        value = f"({value} / max(1, datum.{column.per}))"
    return _FORMATS[column.kind].format(value)


def _visualization(panel: Panel) -> dict[str, Any]:
    state = {
        "title": panel.title,
        "type": "vega",
        "aggs": [],
        "params": {"spec": json.dumps(spec(panel), ensure_ascii=False, indent=2)},
    }
    return {
        "title": panel.title,
        "description": panel.question,
        "visState": _compact(state),
        "uiStateJSON": "{}",
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _NO_SEARCH},
    }


def _dashboard(dashboard: Dashboard) -> dict[str, Any]:
    panels = [
        {
            "type": "visualization",
            "panelIndex": panel.id,
            "panelRefName": f"panel_{panel.id}",
            "gridData": {**position, "i": panel.id},
            "embeddableConfig": {"enhancements": {}},
        }
        for panel, position in zip(dashboard.panels, _positions(dashboard.panels), strict=True)
    ]
    options = {"useMargins": True, "syncColors": False, "syncCursor": True, "hidePanelTitles": False}
    return {
        "title": dashboard.title,
        "description": dashboard.description,
        "panelsJSON": _compact(panels),
        "optionsJSON": _compact(options),
        "timeRestore": True,
        "timeFrom": "now-24h",
        "timeTo": "now",
        "refreshInterval": {"pause": False, "value": 10_000},
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _NO_SEARCH},
    }


def _positions(panels: list[Panel]) -> Iterator[dict[str, int]]:
    """Yields the position of each panel on the grid: rows are filled from the left, and are as high as their
    highest panel."""
    x = y = row_height = 0
    for panel in panels:
        width = GRID_COLUMNS if panel.width == "full" else GRID_COLUMNS // 2
        height = _ROWS_OF_TILES if panel.chart is None else _ROWS_OF_CHART
        if x + width > GRID_COLUMNS:
            x, y, row_height = 0, y + row_height, 0
        yield {"x": x, "y": y, "w": width, "h": height}
        x, row_height = x + width, max(row_height, height)


def _panel_id(panel: Panel) -> str:
    return f"vitrine-{panel.id}"


def _object(
    kind: str, object_id: str, version: str, attributes: dict[str, Any], references: list[dict[str, str]]
) -> SavedObject:
    return {
        "type": kind,
        "id": object_id,
        "attributes": attributes,
        "references": references,
        "managed": False,
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": version,
    }


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_NO_SEARCH = _compact({"query": {"query": "", "language": "kuery"}, "filter": []})
