"""Every chart, compiled by the Vega-Lite that the pages use and by the one of Kibana's generation."""

from pathlib import Path

import pytest
import vl_convert

from streaming.dashboards import kibana, source
from streaming.dashboards.source import Panel

DASHBOARDS = source.load_all(Path(__file__).parents[3] / "dashboards")
PANELS = [panel for dashboard in DASHBOARDS.values() for panel in dashboard.panels]


@pytest.mark.parametrize("version", ["5.21", "6.4"])
@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.id)
def test_a_chart_compiles_without_a_warning(
    panel: Panel, version: str, capfd: pytest.CaptureFixture[str]
) -> None:
    spec = kibana.spec(panel) | {"data": {"name": "figures", "values": []}}
    compiled = vl_convert.vegalite_to_vega(spec, vl_version=version, show_warnings=True)
    assert compiled["marks"]
    assert "WARN" not in capfd.readouterr().err.upper()


def test_tiles_write_each_figure_by_its_kind() -> None:
    [panel] = [panel for panel in PANELS if panel.id == "sessions_at_a_glance"]
    row = {
        "doc_count": 2400,
        "bought": {"doc_count": 600},
        "revenue": {"value": 123456.0},
        "late": {"doc_count": 7},
    }
    # One object, as Kibana takes it from the answer by `format.property`.
    spec = kibana.spec(panel) | {
        "data": {"values": {"all": row}, "format": {"property": "all"}},
        "width": 900,
    }
    svg = vl_convert.vegalite_to_svg(spec, vl_version="5.21")
    for written in ("2,400", ">600<", "25.0%", "1,234.56", ">7<", "Conversion"):
        assert written in svg
