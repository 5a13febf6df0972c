"""The task of the DAG `similar_users`: reads the extract, writes JSON Lines."""

import logging
import time
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.dataset

from ml.similar_users.item_sets import COLUMNS, item_sets
from ml.similar_users.neighbours import most_similar
from streaming.contract.consent import Sources
from streaming.data_folder import atomic_file
from streaming.extraction import parquet

log = logging.getLogger(__name__)

_LOG_EVERY = 10_000


def run(
    extract: Path, out: Path, threshold: float, neighbours: int, permutations: int, sources: Sources
) -> dict[str, Any]:
    """Reads the Parquet files in the folder `extract` and writes the file `out`.

    A line is a MongoDB document, {"_id": user pseudonym, "neighbours": [{"userPseudonym", "jaccard"}]}. Every
    user with items has one, even without neighbours, so that it replaces an older document; but nobody who
    has refused personalisation. Returns {"users", "refused" (users left out), "pairs" (neighbours written),
    "path"}. Raises FileNotFoundError if there is no extract.
    """
    if why := parquet.missing(extract):
        raise FileNotFoundError(why)
    began = time.monotonic()
    batches = pyarrow.dataset.dataset(sorted(map(str, extract.glob("*.parquet")))).to_batches(
        columns=list(COLUMNS), batch_size=10_000
    )
    items, refused = item_sets((row for batch in batches for row in batch.to_pylist()), sources)
    took_s = time.monotonic() - began
    log.info("%d users read in %.1f s, without %d who refuse personalisation", len(items), took_s, refused)
    users = pairs = 0
    encode = msgspec.json.Encoder().encode
    with atomic_file.writing(out) as file:
        for user, near in most_similar(items, threshold, neighbours, permutations, _report):
            users += 1
            pairs += len(near)
            document = {
                "_id": user,
                "neighbours": [{"userPseudonym": other, "jaccard": similarity} for other, similarity in near],
            }
            file.write(encode(document) + b"\n")
    log.info("%d users, %d neighbours in %.1f s", users, pairs, time.monotonic() - began)
    return {"users": users, "refused": refused, "pairs": pairs, "path": str(out)}


def _report(done: int) -> None:
    if done % _LOG_EVERY == 0:
        log.info("%d item sets looked up", done)
