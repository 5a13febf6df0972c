"""Charts as SVG for the page. Text and lines have the page's text colour, so that they suit light and
dark."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from msgspec import Struct

from ml.features.encoding import Vector

INK = "#123456"
"""Placeholder for the page's text colour until the SVG is written."""
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.6,
    "grid.color": INK,
    "grid.alpha": 0.13,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}


class Series(Struct, frozen=True):
    """One model's values in a chart."""

    label: str
    colour: str
    values: Any


def dependence_of_number(title: str, x: Vector, logarithmic: bool, series: Sequence[Series]) -> str:
    """Draws how a number's value changes the log-odds: one dot per row, and the running mean of each
    model."""
    order = np.argsort(x)
    bins = np.array_split(order, min(14, len(order)))
    with _figure(3.9, 2.7) as (figure, svg):
        axes = figure.add_subplot()
        for one in series:
            axes.scatter(x, one.values, s=6, color=one.colour, alpha=0.3, linewidths=0)
            axes.plot(
                [x[part].mean() for part in bins],
                [one.values[part].mean() for part in bins],
                color=one.colour,
                linewidth=1.8,
            )
        axes.axhline(0, color=INK, linewidth=0.6)
        if logarithmic:
            axes.set_xscale("symlog", linthresh=1)
            axes.set_xlim(left=0)
        _label(axes, title)
    return "".join(svg)


def dependence_of_word(title: str, words: Sequence[str], series: Sequence[Series]) -> str:
    """Draws how a word changes the log-odds: each model's mean over the rows with the word. A series has one
    value per word."""
    with _figure(3.9, 2.7) as (figure, svg):
        axes = figure.add_subplot()
        thickness = 0.78 / len(series)
        for k, one in enumerate(series):
            at = np.arange(len(words)) + (k - (len(series) - 1) / 2) * thickness
            axes.bar(at, one.values, thickness * 0.9, color=one.colour)
        axes.axhline(0, color=INK, linewidth=0.6)
        long = max(map(len, words)) * len(words) > 45
        axes.set_xticks(
            np.arange(len(words)),
            words,
            rotation=35 if long else 0,
            ha="right" if long else "center",
            fontsize=8,
        )
        _label(axes, title)
    return "".join(svg)


def _label(axes: Any, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left", fontweight="bold")
    axes.set_ylabel("SHAP value (log-odds)")
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.tick_params(length=0)


@contextmanager
def _figure(width: float, height: float) -> Iterator[tuple[Figure, list[str]]]:
    """Yields a figure, its size in inches, and a list to which its SVG is added at the end."""
    svg: list[str] = []
    with matplotlib.rc_context(_STYLE | {"svg.hashsalt": f"{width}x{height}"}):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, svg
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    svg.append(text[text.index("<svg") :].replace(INK, "currentColor"))
