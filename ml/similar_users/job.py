"""The task of the DAG `similar_users`: extract in, JSON Lines out."""

import logging
import time
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.dataset

from ml.similar_users.item_sets import COLUMNS, item_sets
from ml.similar_users.neighbours import most_similar

log = logging.getLogger(__name__)

_LOG_EVERY = 10_000


def run(extracts: str, threshold: float, neighbours: int, permutations: int) -> dict[str, Any]:
    """Reads the Parquet files in the folder `extracts` and writes `similar_users.jsonl` two folders above it.

    A line is a MongoDB document, {"_id": userId, "neighbours": [{"userId", "jaccard"}]}, one for every user
    with items, those without neighbours too, so that what was true of them yesterday is overwritten. Returns
    {"users", "pairs" (neighbours written), "path"}. Raises FileNotFoundError without an extract.
    """
    folder = Path(extracts)
    if not any(folder.glob("*.parquet")):
        raise FileNotFoundError(f"no Parquet file in {folder}: run extract_sessions first")
    began = time.monotonic()
    batches = pyarrow.dataset.dataset(sorted(map(str, folder.glob("*.parquet")))).to_batches(
        columns=list(COLUMNS), batch_size=10_000
    )
    items = item_sets(row for batch in batches for row in batch.to_pylist())
    log.info("%d users read in %.1f s", len(items), time.monotonic() - began)
    path = folder.parent.parent / "similar_users.jsonl"
    unfinished = path.with_suffix(".unfinished")
    users = pairs = 0
    encode = msgspec.json.Encoder().encode
    with unfinished.open("wb") as file:
        for user, near in most_similar(items, threshold, neighbours, permutations, _report):
            users += 1
            pairs += len(near)
            document = {
                "_id": user,
                "neighbours": [{"userId": other, "jaccard": similarity} for other, similarity in near],
            }
            file.write(encode(document) + b"\n")
    unfinished.rename(path)
    log.info("%d users, %d neighbours in %.1f s", users, pairs, time.monotonic() - began)
    return {"users": users, "pairs": pairs, "path": str(path)}


def _report(done: int) -> None:
    if done % _LOG_EVERY == 0:
        log.info("%d item sets looked up", done)
