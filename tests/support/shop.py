"""A small shop whose buyers can be learned: rows with two numbers and two word lists."""

from typing import Any

import numpy as np

from ml.features.encoding import Encoding, labels
from ml.features.rows import Rows
from ml.features.schema import Categorical, Numeric, Schema

SCHEMA = Schema(
    name="small shop",
    target="bought",
    unit="who",
    unit_is_called="user",
    features=(
        Numeric("seconds", 0, 10_000, "log"),
        Numeric("share", 0, 1),
        Categorical("device", ("mobile", "desktop")),
        Categorical("weekend", ("TRUE",)),
    ),
)
ENCODING = Encoding(SCHEMA)


def columns(count: int, seed: int, per_user: int = 1) -> dict[str, list[Any]]:
    rng = np.random.default_rng(seed)
    seconds = np.exp(rng.normal(4, 1.5, count))
    share = rng.random(count)
    device = rng.integers(0, 3, count)
    score = np.log(seconds) - 4 + 3 * share + (device == 1) - 1.5 + rng.normal(0, 0.5, count)
    return {
        "seconds": seconds.tolist(),
        "share": share.tolist(),
        "device": [("mobile", "desktop", "fridge")[k] for k in device],
        "weekend": rng.choice(["TRUE", "FALSE"], count).tolist(),
        "bought": (score > 1).astype(int).tolist(),
        "who": [f"u{k // per_user}" for k in range(count)],
    }


def rows(count: int, seed: int, per_user: int = 1) -> Rows:
    table = columns(count, seed, per_user)
    return Rows(
        ENCODING.encode(table), labels(table["bought"], "1"), np.arange(count, dtype=np.int64) // per_user
    )
