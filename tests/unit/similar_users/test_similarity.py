"""MinHash LSH against comparing every pair."""

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.similar_users import job
from ml.similar_users.bands import Banding, banding
from ml.similar_users.item_sets import item_sets
from ml.similar_users.neighbours import jaccard, most_similar
from streaming.contract.consent import ALL_AGREED, Sources
from streaming.contract.session import Consent


def people(n: int, seed: int) -> dict[str, frozenset[bytes]]:
    """Groups of five who share a taste: their sets overlap in about half to all of the items."""
    rng = random.Random(seed)
    items = {}
    for user in range(n):
        group = random.Random(user // 5)
        taste = [group.randrange(5_000) for _ in range(30)]
        items[f"u{user}"] = frozenset(str(i).encode() for i in rng.sample(taste, rng.randint(18, 30)))
    return items


def brute(items: dict[str, frozenset[bytes]], threshold: float) -> set[tuple[str, str]]:
    return {(a, b) for a in items for b in items if a != b and jaccard(items[a], items[b]) >= threshold}


def test_recall_and_precision_against_every_pair() -> None:
    items = people(400, seed=3)
    truth = brute(items, 0.5)
    found = {(a, b.user_pseudonym) for a, near in most_similar(items, 0.5, 50) for b in near}
    assert len(truth) > 500
    assert found <= truth
    assert len(found) >= 0.99 * len(truth)


def test_the_nearest_come_first_and_are_exact() -> None:
    items = people(100, seed=4)
    for user, near in most_similar(items, 0.5, 3):
        assert len(near) <= 3
        assert [one.jaccard for one in near] == sorted((one.jaccard for one in near), reverse=True)
        assert all(one.jaccard == jaccard(items[user], items[one.user_pseudonym]) for one in near)


def test_twins_are_each_other_and_never_themselves() -> None:
    same = frozenset({b"p:1", b"c:x"})
    near = dict(most_similar({"a": same, "b": same, "c": same, "d": frozenset()}, 0.5, 2))
    assert near.keys() == {"a", "b", "c"}
    assert [(one.user_pseudonym, one.jaccard) for one in near["b"]] == [("a", 1.0), ("c", 1.0)]


def test_bands_keep_recall_at_the_threshold() -> None:
    assert banding(128, 0.5) == Banding(42, 3)
    for threshold in (0.2, 0.3, 0.5, 0.7, 0.9, 1.0):
        cut = banding(128, threshold)
        assert cut.bands * cut.rows <= 128
        assert cut.recall(threshold) >= 0.99
    with pytest.raises(ValueError, match="more permutations"):
        banding(16, 0.1)
    with pytest.raises(ValueError, match="threshold"):
        banding(128, 0)


def row(
    user: str, products: list[str], categories: list[str], agreed: bool | None = None, feed: str = "live"
) -> dict[str, Any]:
    return {
        "userPseudonym": user,
        "productIds": products,
        "productCategories": categories,
        "feed": feed,
        "personalisation": agreed,
    }


def test_sets_unite_sessions_and_tell_products_from_categories() -> None:
    rows = [
        row("u", ["1", "2"], ["1"]),
        row("u", ["3"], []),
    ]
    found = item_sets(rows, ALL_AGREED)
    assert found.of_users == {"u": {b"p:1", b"p:2", b"p:3", b"c:1"}}
    assert found.refused == 0


@pytest.mark.parametrize("order", [1, -1], ids=["refused first", "refused last"])
def test_one_refusal_keeps_a_user_out_whatever_the_others_say(order: int) -> None:
    rows = [row("u", ["1"], [], False), row("u", ["2"], [], True), row("u", ["3"], []), row("v", ["1"], [])]
    found = item_sets(rows[::order], ALL_AGREED)
    assert found.of_users == {"v": {b"p:1"}}
    assert found.refused == 1


def test_where_a_session_does_not_say_the_setting_of_its_feed_does() -> None:
    rows = [row("u", ["1"], []), row("v", ["2"], [], True), row("w", ["3"], [], feed="partner")]
    refusing = Sources({"live": Consent(personalisation=False)})
    found = item_sets(rows, refusing)
    assert found.of_users == {"v": {b"p:2"}, "w": {b"p:3"}}
    assert found.refused == 1


def test_job_writes_a_document_for_every_user(tmp_path: Path) -> None:
    folder = tmp_path / "extracts" / "sessions"
    folder.mkdir(parents=True)
    rows = [
        row(user, products, ["sofas"], agreed) | {"other": 1}
        for user, products, agreed in (
            ("a", ["1", "2"], None),
            ("b", ["1", "2"], True),
            ("c", ["8", "9"], True),
            ("refuses", ["1", "2"], False),
        )
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "part-0-1.parquet")
    result = job.run(folder, tmp_path / "similar_users.jsonl", 0.5, 5, 128, ALL_AGREED)
    documents = [json.loads(line) for line in Path(result["path"]).read_text().splitlines()]
    assert documents == [
        {"_id": "a", "neighbours": [{"userPseudonym": "b", "jaccard": 1.0}]},
        {"_id": "b", "neighbours": [{"userPseudonym": "a", "jaccard": 1.0}]},
        {"_id": "c", "neighbours": []},
    ]
    assert (result["users"], result["refused"], result["pairs"]) == (3, 1, 2)


def test_job_without_an_extract_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="extract_sessions"):
        job.run(tmp_path, tmp_path / "similar_users.jsonl", 0.5, 5, 128, ALL_AGREED)
