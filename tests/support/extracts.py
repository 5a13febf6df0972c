"""Extracts of made-up users, and runs that learn from them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.budget.ledger import Ledger
from ml.budget.memory import InMemoryAccounts
from ml.budget.settings import BudgetSettings
from ml.features import schema as schemas
from ml.features.schema import Numeric
from ml.features.session_row import COLUMNS
from ml.release import job as training
from ml.release.artifact_store import ArtifactStore
from ml.release.charging import charge_run
from ml.release.request import TrainingRequest
from streaming.contract.consent import ALL_AGREED
from streaming.contract.period import Window
from streaming.contract.time_units import DAY_MS
from streaming.data_folder.layout import DataLayout
from streaming.extraction.windows import file_name

BLOCK_MS = BudgetSettings().block_days * DAY_MS
NEWEST = 2_900 * BLOCK_MS


def write_extract(folder: Path, users: int, blocks: int = 1) -> None:
    """Three sessions of each user in each of so many blocks, each block in a file of its own."""
    rng = np.random.default_rng(1)
    folder.mkdir(parents=True, exist_ok=True)
    for block in range(blocks):
        start_ms = NEWEST - block * BLOCK_MS
        rows: list[dict[str, Any]] = []
        for place in range(users * 3):
            row: dict[str, Any] = dict.fromkeys(COLUMNS)
            row |= {
                "userPseudonym": f"SECRET-user-{place % users}",
                "arrivedAtMs": start_ms + place,
                "feed": "live",
            }
            for feature in schemas.load(training.SCHEMA).features:
                if isinstance(feature, Numeric):
                    row[feature.name] = float(feature.upper * rng.random() ** 3)
                else:
                    row[feature.name] = str(rng.choice(feature.values))
            row["purchaseMade"] = bool(row["cartValueCents"] + rng.normal(0, 50_000) > 200_000)
            rows.append(row)
        window = Window(start_ms, start_ms + len(rows))
        pq.write_table(pa.Table.from_pylist(rows), folder / file_name(window))


def a_ledger(epsilon: float = 1_000.0) -> Ledger:
    accounts = InMemoryAccounts()
    return Ledger(accounts, accounts.outer, "sessions", BudgetSettings(epsilon=epsilon))


def train(folder: Path, order: TrainingRequest, books: Ledger) -> dict[str, Any]:
    answer = charge_run(order, books, folder / "extracts", every_h=0)
    assert answer["key"] == order.key
    return training.run(
        order,
        books,
        folder / "extracts",
        ArtifactStore(DataLayout(folder)),
        "manual__1",
        {"epsilon": 4},
        ALL_AGREED,
    )
