"""Every chart, with the Vega-Lite version that the pages use and with that of Kibana 8.19."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import vl_convert

from streaming.dashboards import kibana, source
from streaming.dashboards.source import Panel

DASHBOARDS = source.load_all(Path(__file__).parents[3] / "dashboards")
PANELS = [panel for dashboard in DASHBOARDS.values() for panel in dashboard.panels]
VERSIONS = ["5.21", "6.4"]
# Properties of every JavaScript object, markup, quotes, and a plain word.
WORDS = [
    "constructor",
    "__proto__",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "<script>",
    "`",
    "'\\",
    "mobile",
]
FIGURES = ["users", "revenue", "spent", "views", "carts", "purchases", "rating"]
COUNTS = ["bought", "positive", "neutral", "negative"]


@pytest.mark.parametrize("version", VERSIONS)
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
    # One object, as Kibana takes it from the response by `format.property`.
    spec = kibana.spec(panel) | {
        "data": {"values": {"all": row}, "format": {"property": "all"}},
        "width": 900,
    }
    svg = vl_convert.vegalite_to_svg(spec, vl_version="5.21")
    for written in ("2,400", ">600<", "25.0%", "1,234.56", ">7<", "Conversion"):
        assert written in svg


def row(panel: Panel, word: str) -> dict[str, Any]:
    """A row of `panel` for `word`, with every figure that a chart may use."""
    figures = {name: {"value": 300.0} for name in FIGURES} | {name: {"doc_count": 2} for name in COUNTS}
    key = {"system": word, "browser": word} if panel.id == "users_by_system" else word
    return {"key": key, "doc_count": 4, "name": {"buckets": [{"key": word}]}, **figures}


def labels(svg: str) -> set[str]:
    return {unescape(text) for text in re.findall(r"<text [^>]*>([^<]*)</text>", svg)}


BY_WORDS = [panel for panel in PANELS if any(column.kind == "text" for column in panel.columns)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("panel", BY_WORDS, ids=lambda panel: panel.id)
def test_any_word_is_drawn_with_its_own_label(panel: Panel, version: str) -> None:
    def drawn(words: list[str]) -> str:
        rows = [row(panel, word) for word in words]
        spec = kibana.spec(panel) | {"data": {"name": "figures", "values": rows}}
        return str(vl_convert.vegalite_to_svg(spec, vl_version=version))

    svg, plain = drawn(WORDS), drawn([f"word {i}" for i in range(len(WORDS))])
    assert set(WORDS) <= labels(svg)
    marks = r'aria-roledescription="(bar|rect mark)"'
    assert len(re.findall(marks, svg)) == len(re.findall(marks, plain)) >= len(WORDS)


def test_control_characters_are_drawn_as_replacement_characters() -> None:
    [panel] = [panel for panel in PANELS if panel.id == "users_by_device"]
    rows = [row(panel, "a\x1b\u202eb"), row(panel, "\x07"), row(panel, "\x08")]
    spec = kibana.spec(panel) | {"data": {"values": rows}}
    svg = vl_convert.vegalite_to_svg(spec, vl_version="6.4")
    assert {"a\ufffd\ufffdb", "\ufffd"} <= labels(svg)
    assert svg.count('aria-roledescription="bar"') == len(rows)
