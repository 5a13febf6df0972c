"""Exact Shapley and interaction values of trees against a background set, features being the players.

What is explained is interventional (Lundberg et al. 2020): v(S) is the mean log-odds of rows that take the
features in S from the row explained and the others from a background row. A word list is one player, so no
row of two words at once is ever asked about. For one leaf and one background row the game is "every feature
on the way agrees", and its values have a closed form in the number of features that only the explained row
has right and of those that only the background row has. So for each leaf a table over all patterns of
agreement is made once, out of counts over the background; explaining a row is looking up, at the same cost
for any background.
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
"""So many patterns have their values in tables at a time: with the answers of a block of rows, what a
processor's cache holds."""
_BLOCK = 512
"""Rows explained together."""


def shapley(booster: Any, x: Matrix, background: Matrix, player: Integers) -> Vector:
    """(rows, players) in log-odds. `player` (width,) says which feature each input belongs to."""
    return _explain(booster, x, background, player, size=1)


def interactions(booster: Any, x: Matrix, background: Matrix, player: Integers) -> Vector:
    """(rows, players, players), symmetric, nothing on the diagonal: what two features do together beyond what
    each does without the other (Grabisch and Roubens 1999); shap writes half of it into each of its two
    cells."""
    players = int(player.max()) + 1
    one_sided = _explain(booster, x, background, player, size=2).reshape(len(x), players, players)
    return np.asarray(one_sided + one_sided.transpose(0, 2, 1))


def _explain(booster: Any, x: Matrix, background: Matrix, player: Integers, *, size: int) -> Vector:
    """(rows, players ** size) values of all groups of `size` players."""
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
    """(leaves, groups, 2 ** depth) the value of each group of places on the way for every pattern of answers,
    and (leaves, groups) whose value it is."""
    owner = np.where(paths.question >= 0, player[paths.feature[paths.question]], -1)
    place = _places(owner)
    players = int(player.max()) + 1
    agrees = paths.answers(background)[paths.question] == paths.wanted[:, :, None]
    agrees |= (paths.question < 0)[:, :, None]
    leaves, depth, _ = agrees.shape
    weight = _weights(depth, size)
    counts = np.zeros((leaves, 2**depth))
    np.add.at(counts, (np.arange(leaves)[:, None], _pattern(agrees, place)), 1 / len(background))
    # Every pattern of answers as a pattern of players, in the same way.
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
    """(leaves, depth) where on the way each question's player was met first."""
    return np.asarray((owner[:, :, None] == owner[:, None, :]).argmax(axis=2))


def _pattern(agrees: Any, place: Integers) -> Integers:
    """(leaves, depth, rows) -> (leaves, rows): bit k is set unless the player met first at place k fails at
    one of its questions."""
    fails = np.zeros((len(agrees), agrees.shape[2]), dtype=np.int64)
    for step in range(agrees.shape[1]):
        fails |= ~agrees[:, step] * (1 << place[:, step])[:, None]
    return np.asarray(((1 << agrees.shape[1]) - 1) ^ fails)


@cache
def _weights(depth: int, size: int) -> Vector:
    """(background pattern, group, pattern): the value of a group of players in the game of one leaf of value
    1, one background row and one row explained, each pattern saying at which places it agrees.

    Places where both agree have no part in the game, and where neither does there is none.
    """
    full = 2**depth - 1
    groups = [sum(1 << k for k in group) for group in combinations(range(depth), size)]
    weight = np.zeros((full + 1, len(groups), full + 1))
    for theirs in range(full + 1):
        for ours in range(full + 1):
            if ours | theirs != full:
                continue
            for k, group in enumerate(groups):
                if group & ours & theirs:
                    continue
                for_it, against = (ours & ~theirs).bit_count(), (theirs & ~ours).bit_count()
                needed, harmful = (group & ours).bit_count(), (group & theirs).bit_count()
                weight[theirs, k, ours] = (
                    (-1) ** harmful
                    * factorial(for_it - needed) * factorial(against - harmful)
                    / factorial(for_it + against - size + 1)
                )  # fmt: skip
    return weight


def _look_up_plainly(
    answers: Bits, question: Integers, wanted: Bits, table: Vector, target: Integers, out: Vector
) -> None:
    """Adds to `out` (outputs, rows) what the tables say of the rows that gave `answers`."""
    leaves, depth = question.shape
    rows = answers.shape[1]
    pattern = np.empty(rows, dtype=np.uint16)
    for leaf in range(leaves):
        pattern[:] = 0
        for step in range(depth):
            asked, no = question[leaf, step], wanted[leaf, step] ^ 1
            if asked >= 0:
                for row in range(rows):
                    pattern[row] |= np.uint16(answers[asked, row] ^ no) << step
        for k in range(target.shape[1]):
            to = target[leaf, k]
            for row in range(rows):
                out[to, row] += table[leaf, k, pattern[row]]


_look_up: Any = numba.njit(nogil=True)(_look_up_plainly)
