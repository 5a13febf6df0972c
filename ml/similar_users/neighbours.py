"""Finds the most similar users of each user, by the Jaccard similarity of their items."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from datasketch import MinHash, MinHashLSH

from ml.similar_users.bands import banding


class Neighbour(NamedTuple):
    """A user similar to another."""

    user_pseudonym: str
    jaccard: float


def jaccard(a: frozenset[bytes], b: frozenset[bytes]) -> float:
    """Returns |a and b| / |a or b|; 0 for two empty sets."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared) if shared else 0.0


def most_similar(
    items: Mapping[str, frozenset[bytes]],
    threshold: float,
    neighbours: int,
    permutations: int = 128,
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[tuple[str, list[Neighbour]]]:
    """Yields, for every user with items, up to `neighbours` others with a similarity of at least `threshold`,
    the most similar first, equal ones by pseudonym.

    MinHash LSH finds candidates (it misses a pair at the threshold with a probability below .01); the
    similarity of each is then computed exactly. Users with equal sets share one signature.
    """
    cut = banding(permutations, threshold)
    index = MinHashLSH(num_perm=permutations, params=(cut.bands, cut.rows))
    twins: dict[frozenset[bytes], list[str]] = {}
    for user, owned in items.items():
        if owned:
            twins.setdefault(owned, []).append(user)
    sets = list(twins)
    signatures = MinHash.bulk(sets, num_perm=permutations, seed=1)
    for key, signature in enumerate(signatures):
        index.insert(key, signature, check_duplication=False)
    for key, (owned, signature) in enumerate(zip(sets, signatures, strict=True)):
        near = sorted(
            (Neighbour(user, similarity))
            for other in index.query(signature)
            if (similarity := jaccard(owned, sets[other])) >= threshold
            for user in twins[sets[other]]
        )
        near.sort(key=lambda one: -one.jaccard)
        for user in twins[owned]:
            yield user, [one for one in near[: neighbours + 1] if one.user_pseudonym != user][:neighbours]
        progress(key + 1)
