"""Models saved as a file that xgboost can load, and the conversion of random trees to such a file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import xgboost

from ml.features.encoding import Matrix, Vector
from ml.models.random_trees import RandomTree
from ml.privacy.statement import PrivacyStatement

_NO_PARENT = 2**31 - 1
"""The parent of a root in xgboost's files."""
_FILE = "model.json"


class XgboostFile:
    """Prediction, saving and loading of models that are xgboost Boosters."""

    def __init__(self, booster: Any, statement: PrivacyStatement) -> None:
        self.booster = booster
        self.statement = statement

    def log_odds(self, x: Matrix) -> Vector:
        return np.asarray(self.booster.predict(xgboost.DMatrix(x), output_margin=True), dtype=np.float64)

    def save(self, folder: Path) -> None:
        self.booster.save_model(folder / _FILE)

    @classmethod
    def load(cls, folder: Path, statement: PrivacyStatement) -> Self:
        return cls(xgboost.Booster(model_file=folder / _FILE), statement)


def booster(trees: Sequence[tuple[RandomTree, Vector]], width: int) -> Any:
    """Returns a Booster on `width` inputs: each tree with its leaf values in log-odds. The numbers of rows in
    the leaves are private, so all leaves have the same weight. Everything around the trees is what the
    installed xgboost writes."""
    empty = xgboost.train(
        {"objective": "binary:logistic", "base_score": 0.5},
        xgboost.DMatrix(np.zeros((2, width), dtype=np.float32), label=[0, 1]),
        num_boost_round=0,
    )
    document = json.loads(empty.save_raw("json"))
    model = document["learner"]["gradient_booster"]["model"]
    model["trees"] = [_tree(number, *tree, width) for number, tree in enumerate(trees)]
    model["tree_info"] = [0] * len(trees)
    model["iteration_indptr"] = list(range(len(trees) + 1))
    model["gbtree_model_param"] |= {"num_trees": str(len(trees)), "num_parallel_tree": "1"}
    document["learner"]["gradient_booster"]["name"] = "gbtree"
    return xgboost.Booster(model_file=bytearray(json.dumps(document).encode()))


def _tree(number: int, tree: RandomTree, value: Vector, width: int) -> dict[str, Any]:
    inner, leaves = len(tree.feature), len(value)
    nodes = inner + leaves
    weights = np.concatenate([np.zeros(inner), np.ones(leaves)])
    for node in range(inner - 1, -1, -1):
        weights[node] = weights[2 * node + 1] + weights[2 * node + 2]
    no_children = [-1] * leaves
    return {
        "base_weights": [0.0] * inner + value.tolist(),
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
        "default_left": [1] * nodes,
        "id": number,
        "left_children": [2 * node + 1 for node in range(inner)] + no_children,
        "right_children": [2 * node + 2 for node in range(inner)] + no_children,
        "loss_changes": [0.0] * nodes,
        "parents": [_NO_PARENT] + [(node - 1) // 2 for node in range(1, nodes)],
        "split_conditions": tree.threshold.tolist() + value.tolist(),
        "split_indices": tree.feature.tolist() + [0] * leaves,
        "split_type": [0] * nodes,
        "sum_hessian": weights.tolist(),
        "tree_param": {
            "num_deleted": "0",
            "num_feature": str(width),
            "num_nodes": str(nodes),
            "size_leaf_vector": "1",
        },
    }
