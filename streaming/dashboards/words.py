"""Words out of the data, such that Vega can draw any of them. Pure.

Vega groups by plain objects, in which `constructor` or `__proto__` is there before the first row: a session
of such a device would blank its panels for everybody. So each word goes to Vega with a mark before it, and
the labels take the mark off again; tooltips and tables show the word itself.
"""

from typing import Any

MARK = "\N{WORD JOINER}"
"""Takes no room, wherever it should be seen after all."""
_UNSEEN = r"[\\u0000-\\u001f\\u007f-\\u009f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]"
"""What would draw nothing, or turn around the text beside it; a label shows that there is something."""
LABEL = f"replace(slice(datum.label, {len(MARK)}), regexp('{_UNSEEN}', 'g'), '\N{REPLACEMENT CHARACTER}')"
"""The Vega expression of a label."""
_GUIDES = {"x": "axis", "y": "axis", "color": "legend"}
"""What labels a channel's words, where anything does."""

Spec = dict[str, Any]


def marked(chart: Spec) -> Spec:
    """The Vega-Lite view `chart` with a mark before every word of the data that it groups or places by. The
    names that a fold gives to figures are the chart's own words and stay as they are."""
    own = {name for step in chart.get("transform", []) if "fold" in step for name in step["as"]}
    fields: dict[str, str] = {}
    encoding = {
        name: channel
        if channel.get("type") not in ("nominal", "ordinal") or channel["field"] in own
        else _marked_channel(name, channel, fields)
        for name, channel in chart["encoding"].items()
        if isinstance(channel, dict)
    }
    steps = [{"calculate": f"'{MARK}' + datum.{field}", "as": name} for field, name in fields.items()]
    return chart | {
        "transform": [*chart.get("transform", []), *steps],
        "encoding": chart["encoding"] | encoding,
    }


def _marked_channel(name: str, channel: Spec, fields: dict[str, str]) -> Spec:
    """Adds to `fields` what the channel's field is called with its marks."""
    field = channel["field"]
    fields[field] = f"{field.rpartition('.')[2]}_marked"
    changed = {"title": field} | channel | {"field": fields[field]}
    if name in _GUIDES:
        changed[_GUIDES[name]] = {"labelExpr": LABEL} | channel.get(_GUIDES[name], {})
    return changed
