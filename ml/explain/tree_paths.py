"""An ensemble of trees as the paths to its leaves. Pure.

A row reaches a leaf if it gives the required answer to every question on the path to it. An explanation needs
to know nothing else about a tree.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.features.encoding import Matrix, Vector

Integers = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint8]
_Way = list[tuple[int, int]]
"""(question, answer) from the root on."""


@dataclass(frozen=True)
class Paths:
    """The paths to all leaves of some trees, none longer than `depth` questions."""

    feature: Integers
    """(questions,) the input that each question tests."""
    threshold: npt.NDArray[np.float32]
    """(questions,) the answer is yes if the input is at least this."""
    value: Vector
    """(leaves,) in log-odds."""
    question: Integers
    """(leaves, depth) the questions on each path, -1 after the end of a shorter path."""
    wanted: Bits
    """(leaves, depth) the answer that stays on the path, 0 or 1."""

    @property
    def depth(self) -> int:
        return int(self.question.shape[1])

    def answers(self, x: Matrix) -> Bits:
        """(rows, width) -> (questions, rows), 1 if the answer is yes."""
        columns = np.ascontiguousarray(x.T)
        return np.asarray(columns[self.feature] >= self.threshold[:, None], dtype=np.uint8)


def of_booster(booster: Any, most_patterns: int) -> Iterator[Paths]:
    """Yields the trees of an xgboost model in groups of at least one tree and at most `most_patterns`
    combinations of a leaf and the answers on the path to it. Raises ValueError for splits by category, which
    no model here has."""
    trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]
    together: list[dict[str, Any]] = []
    depth = leaves = 0
    for tree in trees:
        if any(tree["split_type"]):
            raise ValueError("splits by category cannot be explained")
        deeper, more = max(depth, _depth(tree)), tree["left_children"].count(-1)
        if together and (leaves + more) * 2**deeper > most_patterns:
            yield _paths(together)
            together, deeper, leaves = [], _depth(tree), 0
        together.append(tree)
        depth, leaves = deeper, leaves + more
    if together:
        yield _paths(together)


def _depth(tree: dict[str, Any]) -> int:
    return max(len(way) for _, way in _ways(tree))


def _ways(tree: dict[str, Any]) -> Iterator[tuple[int, _Way]]:
    """Yields every leaf with the path to it."""
    left, right = tree["left_children"], tree["right_children"]
    open_ways: list[tuple[int, _Way]] = [(0, [])]
    while open_ways:
        node, way = open_ways.pop()
        if left[node] < 0:
            yield node, way
        else:
            open_ways.append((left[node], [*way, (node, 0)]))
            open_ways.append((right[node], [*way, (node, 1)]))


def _paths(trees: list[dict[str, Any]]) -> Paths:
    feature: list[int] = []
    threshold: list[float] = []
    value: list[float] = []
    ways: list[_Way] = []
    for tree in trees:
        inner = [node for node, child in enumerate(tree["left_children"]) if child >= 0]
        number = {node: len(feature) + k for k, node in enumerate(inner)}
        feature += [tree["split_indices"][node] for node in inner]
        threshold += [tree["split_conditions"][node] for node in inner]
        for leaf, way in _ways(tree):
            value.append(tree["split_conditions"][leaf])
            ways.append([(number[node], answer) for node, answer in way])
    depth = max(map(len, ways))
    question = np.full((len(ways), depth), -1, dtype=np.int64)
    wanted = np.zeros((len(ways), depth), dtype=np.uint8)
    for k, way in enumerate(ways):
        for step, (number_of_question, answer) in enumerate(way):
            question[k, step], wanted[k, step] = number_of_question, answer
    return Paths(
        np.array(feature, dtype=np.int64),
        np.array(threshold, dtype=np.float32),
        np.array(value),
        question,
        wanted,
    )
