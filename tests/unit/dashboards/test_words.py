"""Marks on words of the data in a chart. What Vega draws is tested in tests/unit/plugins."""

import copy
from typing import Any

import pytest

from streaming.dashboards.words import LABEL, MARK, marked

BARS: dict[str, Any] = {
    "mark": "bar",
    "encoding": {
        "x": {"field": "doc_count", "type": "quantitative"},
        "y": {"field": "key.system", "type": "nominal", "sort": "-x", "axis": {"labelAngle": -30}},
        "tooltip": [{"field": "key.system"}],
    },
}


def test_a_word_is_drawn_with_a_mark_and_labelled_without() -> None:
    before = copy.deepcopy(BARS)
    chart = marked(BARS)
    assert before == BARS, "the source may share parts among charts"
    assert chart["transform"] == [{"calculate": f"'{MARK}' + datum.key.system", "as": "system_marked"}]
    y = chart["encoding"]["y"]
    assert (y["field"], y["title"], y["sort"]) == ("system_marked", "key.system", "-x")
    assert y["axis"] == {"labelExpr": LABEL, "labelAngle": -30}
    assert chart["encoding"]["x"] == BARS["encoding"]["x"]
    assert chart["encoding"]["tooltip"] == BARS["encoding"]["tooltip"], "a tooltip shows the word itself"


def test_a_word_that_a_chart_computes_is_marked_afterwards() -> None:
    step = {"calculate": "datum.key", "as": "product"}
    chart = marked({"transform": [step], "encoding": {"color": {"field": "product", "type": "nominal"}}})
    assert chart["transform"] == [step, {"calculate": f"'{MARK}' + datum.product", "as": "product_marked"}]
    assert chart["encoding"]["color"]["legend"] == {"labelExpr": LABEL}


@pytest.mark.parametrize("field", ["kind", "count"])
def test_the_charts_own_words_stay_unchanged(field: str) -> None:
    folded = {
        "transform": [{"fold": ["New", "Returning"], "as": ["kind", "count"]}],
        "encoding": {"color": {"field": field, "type": "nominal", "sort": ["New", "Returning"]}},
    }
    assert marked(folded) == folded
