"""Changes charts so that Vega can draw any word of the data. Pure.

Vega groups rows in plain JavaScript objects, which already have keys such as `constructor` and `__proto__`: a
single session with such a device would blank its panels for everybody. So each word gets a mark in front
before Vega sees it, and labels remove the mark; tooltips and tables show the word itself.
"""

from typing import Any

MARK = "\N{WORD JOINER}"
"""It has no width, in case it is shown somewhere."""
_UNSEEN = r"[\\u0000-\\u001f\\u007f-\\u009f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]"
"""Characters that draw nothing, or reverse the text beside them; labels replace them."""
LABEL = f"replace(slice(datum.label, {len(MARK)}), regexp('{_UNSEEN}', 'g'), '\N{REPLACEMENT CHARACTER}')"
"""The Vega expression of a label."""
_GUIDES = {"x": "axis", "y": "axis", "color": "legend"}
"""The part of a channel that has labels, for channels with labels."""

Spec = dict[str, Any]


def marked(chart: Spec) -> Spec:
    """Returns the Vega-Lite view `chart` with a mark before every word of the data that it groups or
    positions by. Names that a fold gives to figures come from the chart itself and stay unchanged."""
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
    """Returns the channel with its marked field, and adds the name of that field to `fields`."""
    field = channel["field"]
    fields[field] = f"{field.rpartition('.')[2]}_marked"
    changed = {"title": field} | channel | {"field": fields[field]}
    if name in _GUIDES:
        changed[_GUIDES[name]] = {"labelExpr": LABEL} | channel.get(_GUIDES[name], {})
    return changed
