"""Renders the report as one self-contained page: no scripts, nothing fetched, with its data inside."""

from base64 import b64encode
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np

from ml.models import model_store
from ml.reports import charts
from ml.reports.charts import Series
from ml.reports.content import Content, Dependence
from ml.reports.price import Group, Price, uneven
from streaming.contract.visible import shown

TITLE = "What drives a purchase"
COLOURS = {
    "boosted_trees": "#1f77c9",
    "logistic_regression": "#e08a00",
    "neural_network": "#159a72",
    "xgboost": "#8a93a1",
    "laplace_baseline": "#c0504d",
}
_EXTREMES = 4
"""Number of groups shown with the highest price of privacy, and with the lowest."""


def render(content: Content, data: dict[str, bytes]) -> str:
    """Returns the page's HTML. `data`: the files that the reader can save, by name; they are embedded."""
    template = jinja2.Environment(
        autoescape=True,
        finalize=shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).from_string((files(__package__) / "report.html.j2").read_text(encoding="utf-8"))
    strongest = max(importance for ranked in content.ranking for importance in ranked.importance.values())
    return template.render(
        content=content,
        title=TITLE,
        created=content.run.created[:16].replace("T", " "),
        kinds=model_store.KINDS,
        colours=COLOURS,
        models=list(content.residuals),
        strongest=strongest,
        dependences=[_drawn(dependence) for dependence in content.dependences],
        price=_price(content.price),
        extremes=_groups(content.price),
        unproven=content.statements[0].not_yet_proven,
        files={name: _data_address(name, content) for name, content in data.items()},
    )


def _drawn(dependence: Dependence) -> str:
    """Returns the chart of one feature as SVG."""
    if not isinstance(dependence.values[0], str):
        return charts.dependence_of_number(
            dependence.title,
            np.array(dependence.values),
            dependence.logarithmic,
            _series({name: np.array(values) for name, values in dependence.shap.items()}),
        )
    words, at = list(dict.fromkeys(dependence.values)), np.array(dependence.values)
    means = {
        name: [float(np.array(values)[at == word].mean()) for word in words]
        for name, values in dependence.shap.items()
    }
    order = np.argsort([-np.mean([values[k] for values in means.values()]) for k in range(len(words))])
    return charts.dependence_of_word(
        dependence.title,
        [words[k] for k in order],
        _series({name: [values[k] for k in order] for name, values in means.items()}),
    )


def _series(values: dict[str, Any]) -> list[Series]:
    return [Series(model_store.KINDS[name].title, COLOURS[name], value) for name, value in values.items()]


def _price(price: Price) -> dict[str, Any]:
    """Returns the values of the table of models, with the price of privacy of each."""
    return {
        "best": model_store.KINDS[price.best].title.lower(),
        "best_auc": price.of(price.best).roc_auc,
        "given_up": price.given_up(price.best),
        "ceiling": price.ceiling,
        "baseline": price.of(model_store.BASELINE.name).roc_auc,
        "rows": [(result, price.given_up(result.model)) for result in price.results],
    }


def _groups(price: Price) -> list[tuple[Group, float]]:
    """Returns the groups with the highest and the lowest price of privacy."""
    prices = uneven(price.groups, price.best, model_store.NON_PRIVATE.name)
    return prices if len(prices) <= 2 * _EXTREMES else [*prices[:_EXTREMES], *prices[-_EXTREMES:]]


def _data_address(name: str, content: bytes) -> str:
    kind = "text/csv" if name.endswith(".csv") else "application/json"
    return f"data:{kind};base64,{b64encode(content).decode()}"
