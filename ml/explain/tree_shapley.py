"""Exact Shapley and interaction values of trees against a background set; the players are the features.

The values are interventional (Lundberg et al. 2020): v(S) is the mean log-odds of rows that take the features
in S from the explained row and the others from a background row. All inputs of a word list are one player, so
no row ever has two words of a list. For one leaf and one background row the game is "every feature on the
path agrees". Its values have a closed form in two counts: the features that agree only in the explained row,
and those that agree only in the background row. So a table over all patterns of agreement is computed once
for each leaf, from counts over the background. Explaining a row is a look-up, whose cost does not depend on
the background.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import combinations
from math import factorial
from typing import Any

import numba
import numpy as np

from ml.explain import tree_paths
from ml.explain.tree_paths import Bits, Integers, Paths
from ml.features.encoding import Matrix, Vector

_PATTERNS = 2**14
"""Patterns whose values are in tables at a time: with the answers of a block of rows they fit into a
processor's cache."""
_BLOCK = 512
"""Rows explained together."""


def shapley(booster: Any, x: Matrix, background: Matrix, player: Integers) -> Vector:
    """Returns (rows, players) in log-odds. `player` (width,): the feature that each input belongs to."""
    return _explain(booster, x, background, player, size=1)


def interactions(booster: Any, x: Matrix, background: Matrix, player: Integers) -> Vector:
    """Returns (rows, players, players), symmetric with a zero diagonal: the effect of two features together
    beyond that of each without the other (Grabisch and Roubens 1999). The package shap writes half of it into
    each of the two cells."""
    players = int(player.max()) + 1
    one_sided = _explain(booster, x, background, player, size=2).reshape(len(x), players, players)
    return np.asarray(one_sided + one_sided.transpose(0, 2, 1))


def _explain(booster: Any, x: Matrix, background: Matrix, player: Integers, *, size: int) -> Vector:
    """Returns (rows, players ** size) values of all groups of `size` players."""
    out = np.zeros(((int(player.max()) + 1) ** size, len(x)))
    blocks = [slice(first, first + _BLOCK) for first in range(0, len(x), _BLOCK)]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for paths in tree_paths.of_booster(booster, _PATTERNS):
            table, target = _tables(paths, background, player, size)

            def look_up(rows: slice, paths: Paths = paths, table: Any = table, target: Any = target) -> None:
                _look_up(paths.answers(x[rows]), paths.question, paths.wanted, table, target, out[:, rows])

            list(threads.map(look_up, blocks))
    return np.ascontiguousarray(out.T)


def _tables(paths: Paths, background: Matrix, player: Integers, size: int) -> tuple[Vector, Integers]:
    """Returns (leaves, groups, 2 ** depth) the value of each group of places on the path for every pattern of
    answers, and (leaves, groups) the group of players that it belongs to."""
    owner = np.where(paths.question >= 0, player[paths.feature[paths.question]], -1)
    place = _places(owner)
    players = int(player.max()) + 1
    agrees = paths.answers(background)[paths.question] == paths.wanted[:, :, None]
    agrees |= (paths.question < 0)[:, :, None]
    leaves, depth, _ = agrees.shape
    weight = _weights(depth, size)
    counts = np.zeros((leaves, 2**depth))
    np.add.at(counts, (np.arange(leaves)[:, None], _pattern(agrees, place)), 1 / len(background))
    # Converts every pattern of answers to a pattern of players, as above.
    possible = (np.arange(2**depth) >> np.arange(depth)[:, None] & 1).astype(bool)
    every = np.broadcast_to(possible, (leaves, *possible.shape)) | (paths.question < 0)[:, :, None]
    by_players = (counts @ weight.reshape(2**depth, -1)).reshape(leaves, -1, 2**depth)
    table = np.take_along_axis(by_players, _pattern(every, place)[:, None, :], axis=2)
    target = np.zeros((leaves, table.shape[1]), dtype=np.int64)
    owner_of_place = np.zeros((leaves, depth), dtype=np.int64)
    np.put_along_axis(owner_of_place, place, np.maximum(owner, 0), axis=1)
    for k, group in enumerate(combinations(range(depth), size)):
        for member in group:
            target[:, k] = target[:, k] * players + owner_of_place[:, member]
    return np.ascontiguousarray(table * paths.value[:, None, None]), target


def _places(owner: Integers) -> Integers:
    """Returns (leaves, depth) the first place on the path with the same player as each question."""
    return np.asarray((owner[:, :, None] == owner[:, None, :]).argmax(axis=2))


def _pattern(agrees: Any, place: Integers) -> Integers:
    """(leaves, depth, rows) -> (leaves, rows): bit k is set unless the player whose first place is k
    disagrees at one of its questions."""
    fails = np.zeros((len(agrees), agrees.shape[2]), dtype=np.int64)
    for step in range(agrees.shape[1]):
        fails |= ~agrees[:, step] * (1 << place[:, step])[:, None]
    return np.asarray(((1 << agrees.shape[1]) - 1) ^ fails)


@cache
def _weights(depth: int, size: int) -> Vector:
    """Returns (background pattern, group, pattern): the value of a group of players in the game of one leaf
    of value 1, one background row and one explained row. A pattern has a bit for each place at which it
    agrees.

    Places where both rows agree do not affect the game. If neither agrees at some place, all values are 0.
    """
    full = 2**depth - 1
    groups = [sum(1 << k for k in group) for group in combinations(range(depth), size)]
    weight = np.zeros((full + 1, len(groups), full + 1))
    for background in range(full + 1):
        for explained in range(full + 1):
            if explained | background != full:
                continue
            for k, group in enumerate(groups):
                if group & explained & background:
                    continue
                for_it = (explained & ~background).bit_count()
                against = (background & ~explained).bit_count()
                needed, harmful = (group & explained).bit_count(), (group & background).bit_count()
                weight[background, k, explained] = (
                    (-1) ** harmful
                    * factorial(for_it - needed) * factorial(against - harmful)
                    / factorial(for_it + against - size + 1)
                )  # fmt: skip
    return weight


def _look_up_plainly(
    answers: Bits, question: Integers, wanted: Bits, table: Vector, target: Integers, out: Vector
) -> None:
    """Adds to `out` (outputs, rows) the values in the tables for rows with these `answers`."""
    leaves, depth = question.shape
    rows = answers.shape[1]
    pattern = np.empty(rows, dtype=np.uint16)
    for leaf in range(leaves):
        pattern[:] = 0
        for step in range(depth):
            number, no = question[leaf, step], wanted[leaf, step] ^ 1
            if number >= 0:
                for row in range(rows):
                    pattern[row] |= np.uint16(answers[number, row] ^ no) << step
        for k in range(target.shape[1]):
            to = target[leaf, k]
            for row in range(rows):
                out[to, row] += table[leaf, k, pattern[row]]


_look_up: Any = numba.njit(nogil=True)(_look_up_plainly)
