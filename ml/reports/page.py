"""The report as one self-contained page: no scripts, nothing fetched."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np

from ml.explain.attribution import Attribution
from ml.explain.plain_words import values_of
from ml.features.encoding import Encoding, Matrix
from ml.features.schema import Categorical, Feature, Numeric, title
from ml.models import shelf
from ml.reports import charts, findings
from ml.reports.charts import Series

TITLE = "What drives a purchase"
COLOURS = {
    "boosted_trees": "#1f77c9",
    "logistic_regression": "#e08a00",
    "neural_network": "#159a72",
    "xgboost": "#8a93a1",
    "laplace_baseline": "#c0504d",
}


def render(
    metrics: Mapping[str, Any],
    encoding: Encoding,
    x: Matrix,
    background: int,
    attributions: Mapping[str, Attribution],
) -> str:
    """The page's HTML. `metrics` is a run's metrics.json; `attributions` explain the rows `x` for each
    private model, against a background of so many rows."""
    results = {result["model"]: result for result in metrics["models"]}
    ceiling = results[shelf.CEILING.name]["roc_auc"]
    best = best_private(metrics)
    order = findings.ranked(dict(attributions))
    features = encoding.schema.features
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (files(__package__) / "report.html.j2").read_text(encoding="utf-8")
    )
    return template.render(
        title=TITLE,
        created=metrics["created"][:16].replace("T", " "),
        run_id=metrics["run_id"],
        epsilon=f"{metrics['epsilon']:g}",
        delta=f"{metrics['delta']:g}",
        unit=metrics["unit"],
        tiles=_tiles(results, best, ceiling),
        unproven=results[best]["statement"]["not_yet_proven"],
        ranking=charts.ranking(
            [title(features[k]) for k in order],
            _series({name: findings.importance(a)[order] for name, a in attributions.items()}),
        ),
        directions=[
            findings.direction(features[k], encoding, x, attributions[best].values[:, k])
            for k in order[: findings.SHOWN]
        ],
        explained=len(x),
        background=background,
        exactness=_exactness(attributions),
        explained_models=[
            {"title": shelf.KINDS[name].title, "colour": COLOURS[name]} for name in attributions
        ],
        dependences=[_dependence(features[k], k, encoding, x, attributions) for k in order[: findings.SHOWN]],
        side_by_side=charts.side_by_side(
            _series(
                {name: result["roc_auc"] for name, result in results.items() if result["roc_auc"] is not None}
            ),
            ceiling,
        ),
        table=[_table_row(result, ceiling) for result in results.values()],
        note=metrics["note"],
        storyteller=f"the {shelf.KINDS[best].title.lower()} model",
        stories=findings.stories(encoding, x, attributions[best]),
    )


def best_private(metrics: Mapping[str, Any]) -> str:
    """The private model of the highest ROC AUC; the first where none has any."""
    private = [result for result in metrics["models"] if result["private"]]
    return str(max(private, key=lambda result: result["roc_auc"] or 0.0)["model"])


def _series(values: Mapping[str, Any]) -> list[Series]:
    return [Series(shelf.KINDS[name].title, COLOURS[name], value) for name, value in values.items()]


def _tiles(results: Mapping[str, Any], best: str, ceiling: float | None) -> list[dict[str, str]]:
    auc = results[best]["roc_auc"]
    tiles = [
        {
            "figure": _three(auc),
            "says": f"ROC AUC of the best private model ({shelf.KINDS[best].title.lower()})",
        }
    ]
    tiles.append({"figure": _three(ceiling), "says": "without privacy (xgboost)"})
    if auc is not None and ceiling is not None:
        tiles.append({"figure": f"{max(0.0, ceiling - auc):.3f}", "says": "is what privacy costs here"})
    if baseline := results.get(shelf.BASELINE.name):
        tiles.append(
            {
                "figure": _three(baseline["roc_auc"]),
                "says": "with Laplace noise on every number, the usual way",
            }
        )
    return tiles


def _table_row(result: Mapping[str, Any], ceiling: float | None) -> dict[str, Any]:
    statement, auc = result["statement"], result["roc_auc"]
    kind = shelf.KINDS[result["model"]]
    if statement["private"]:
        guarantee = f"({statement['epsilon']:g}, {statement['delta']:g})-DP for a {statement['unit']}"
    else:
        guarantee = "none"
    price = "" if kind is shelf.CEILING or auc is None or ceiling is None else f"{ceiling - auc:.3f}"
    figures = ("roc_auc", "average_precision", "accuracy", "f1", "calibration_error")
    return {
        "title": kind.title,
        "guarantee": guarantee,
        "price": price,
        "statement": statement,
        **{name: _three(result[name]) for name in figures},
    }


def _dependence(
    feature: Feature, k: int, encoding: Encoding, x: Matrix, attributions: Mapping[str, Attribution]
) -> str:
    shap = {name: attribution.values[:, k] for name, attribution in attributions.items()}
    column = values_of(feature, encoding, x)
    if isinstance(feature, Numeric):
        return charts.dependence_of_number(title(feature), column, feature.scale == "log", _series(shap))
    words = _words(feature, column)
    at = np.array(column)
    means = {name: [values[at == word].mean() for word in words] for name, values in shap.items()}
    return charts.dependence_of_word(title(feature), words, _series(means))


def _words(feature: Categorical, column: Sequence[str]) -> list[str]:
    return [word for word in (*feature.values, "other") if word in set(column)]


def _exactness(attributions: Mapping[str, Attribution]) -> str:
    gaps = ", ".join(
        f"{shelf.KINDS[name].title.lower()} {a.residual:.0e}" for name, a in attributions.items()
    )
    return f"Largest gap between a prediction and the sum of its explanation, in log-odds: {gaps}."


def _three(number: float | None) -> str:
    return "-" if number is None else f"{number:.3f}"
