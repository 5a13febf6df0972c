"""The time that explanations take: `python -m lab.benchmarks.explain`, also `./vitrine bench explain`.

Prints {"rows", "background", "boosted_trees": {"seconds", "residual", "trees", "depth", "nodes_a_tree",
"shap_nodes_a_tree", "shap_seconds", "shap_interventional_seconds", "ratio"}, "logistic_regression":
{"seconds", "residual"}, "neural_network": {"seconds", "residual"}}. `ratio` is our time over that of shap's
TreeExplainer on an xgboost model with as many trees and levels, which uses no background. shap's
interventional explainer, which computes the same values as ours, is timed on fewer rows and extrapolated.
Rows and background are simulated sessions, and the private models are trained on such sessions.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import shap
import xgboost

from ml.explain.attribution import explain
from ml.features import schema as schemas
from ml.features.encoding import Encoding
from ml.features.rows import Rows
from ml.models import model_store
from ml.models.boosted_trees import BoostedTrees
from ml.privacy import contributions
from ml.privacy.randomness import SystemRandomness
from ml.privacy.statement import Budget, Unit
from ml.release.simulated import rows as simulated_rows

ROWS = 12_000
BACKGROUND = 64
TRAINED_ON = 6_000
UNIT = Unit("user", 8)
_FEWER = 200


def run() -> dict[str, Any]:
    """Runs the benchmark and returns the object described above."""
    encoding, randomness = Encoding(schemas.load("vitrine-session")), SystemRandomness()
    x = simulated_rows(encoding, int(ROWS * 1.15), seed=2).x[:ROWS]
    background = simulated_rows(encoding, 100, seed=3).x[:BACKGROUND]
    rows = contributions.bounded(simulated_rows(encoding, TRAINED_ON, seed=1), UNIT.most_rows, randomness)
    found: dict[str, Any] = {"rows": len(x), "background": len(background)}
    for kind in model_store.PRIVATE:
        model = kind.fit(rows, encoding, Budget(1.0, 1e-5), UNIT, randomness)
        explain(model, x[:10], background, encoding)  # compiles
        seconds, attribution = timed(explain, model, x, background, encoding)
        found[kind.name] = {"seconds": seconds, "residual": attribution.residual}
        if isinstance(model, BoostedTrees):
            found[kind.name] |= _beside_shap(model, rows, x, background)
            found[kind.name]["ratio"] = round(seconds / found[kind.name]["shap_seconds"], 3)
    return found


def _beside_shap(model: BoostedTrees, rows: Rows, x: Any, background: Any) -> dict[str, Any]:
    trees = model.booster.num_boosted_rounds()
    depth = max(_depth(json.loads(tree)) for tree in model.booster.get_dump(dump_format="json"))
    # Without limits on growth, so that its trees are as large as those of our model.
    parameters = {
        "objective": "binary:logistic", "max_depth": depth, "min_child_weight": 0, "reg_lambda": 0,
        "gamma": 0, "eta": 0.05, "base_score": 0.5,
    }  # fmt: skip
    booster = xgboost.train(parameters, xgboost.DMatrix(rows.x, label=rows.y), trees)
    walking = shap.TreeExplainer(booster)
    seconds, _ = timed(walking.shap_values, x)
    against = shap.TreeExplainer(model.booster, background, feature_perturbation="interventional")
    fewer, _ = timed(against.shap_values, x[:_FEWER])
    nodes = len(booster.trees_to_dataframe()) / trees
    return {
        "trees": trees,
        "depth": depth,
        "nodes_a_tree": 2 ** (depth + 1) - 1,
        "shap_nodes_a_tree": round(nodes, 1),
        "shap_seconds": seconds,
        "shap_interventional_seconds": round(fewer * len(x) / _FEWER, 1),
    }


def _depth(node: dict[str, Any]) -> int:
    return 1 + max(map(_depth, node["children"])) if "children" in node else 0


def timed(call: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Returns the seconds that `call` took, and its result."""
    began = time.perf_counter()
    answer = call(*arguments)
    return round(time.perf_counter() - began, 2), answer


if __name__ == "__main__":
    print(json.dumps(run()))
