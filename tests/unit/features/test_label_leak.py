"""No label leaks into the features of an imported shop: where a coin decides who buys, there is nothing to
learn, even for the model without privacy."""

import math

import msgspec
import numpy as np
from sklearn.metrics import roc_auc_score
from support.sessions import PSEUDONYMS

from ml.features import schema as schemas
from ml.features.encoding import Encoding, labels
from ml.features.rows import Rows
from ml.features.session_row import session_row
from ml.models.non_private import NonPrivateBaseline
from ml.privacy.seeded import SeededRandomness
from ml.privacy.statement import Budget, Unit
from streaming.contract import parsing, valid_session
from streaming.contract.session import Session
from streaming.file_import import visit
from streaming.file_import.shop_events import Event

TRAINED_ON, TESTED_ON = 4_000, 4_000
STANDARD_ERRORS = 5.5
"""Of the ROC AUC of scores that have nothing to do with the label: sqrt((n + 1) / (12 n+ n-)), .009 here. So
far from .5 it is once in 26 million draws of the coins; the seed makes them the same ones each time."""
START_MS, NOW_MS = 1_572_566_400_000, 1_800_000_000_000


def test_random_labels_cannot_be_learned() -> None:
    encoding, rng = Encoding(schemas.load("vitrine-session")), np.random.default_rng(7)
    table = [_row(number, rng) for number in range(TRAINED_ON + TESTED_ON)]
    x = encoding.encode(
        {feature.name: [row[feature.name] for row in table] for feature in encoding.schema.features}
    )
    y = labels([row["purchaseMade"] for row in table], encoding.schema.positive)
    rows = Rows(x, y, np.arange(len(y), dtype=np.int64))
    train, test = rows.take(np.arange(TRAINED_ON)), rows.take(np.arange(TRAINED_ON, len(rows)))
    model = NonPrivateBaseline.fit(
        train, encoding, Budget(1.0, 1e-5), Unit("session", 1), SeededRandomness(7)
    )
    bought = int(test.y.sum())
    error = math.sqrt((TESTED_ON + 1) / (12 * bought * (TESTED_ON - bought)))
    assert abs(roc_auc_score(test.y, model.log_odds(test.x)) - 0.5) < STANDARD_ERRORS * error


def _row(number: int, rng: np.random.Generator) -> dict[str, object]:
    """The row of a visit as an export of REES46 has it; where the coin says so, it goes on to buy and then,
    sometimes, to look further."""
    actions = ["view", *rng.choice(["view", "cart", "remove_from_cart"], rng.poisson(4), p=[0.7, 0.2, 0.1])]
    if rng.random() < 0.5:
        actions += ["purchase"] * int(rng.integers(1, 4)) + ["view"] * int(rng.integers(0, 3))
    at_ms = (
        START_MS
        + int(rng.integers(0, 30 * 86_400_000))
        + 1_000 * np.cumsum(rng.integers(1, 300, len(actions)))
    )
    events = [
        Event(
            session_number=number, session_id=f"s{number}", user_id=f"u{number}", time_ms=int(time_ms),
            event_time="",
            event_type=str(action), product_id=str(product), category_id="205", brand="",
            category_code=("sofas", "beds", "rugs")[product % 3], price=f"{19.99 * (1 + product)}",
        )
        for action, time_ms, product in zip(actions, at_ms, rng.integers(0, 30, len(actions)), strict=True)
    ]  # fmt: skip
    message = visit.outgoing(events, "import-abc", {"deviceType": "desktop", "referrer": "Direct"})
    session = parsing.parse(message.value, NOW_MS)
    assert isinstance(session, Session)
    stored = valid_session.admit(
        session,
        PSEUDONYMS,
        user_kind="new",
        late=False,
        raw_partition=0,
        raw_offset=number,
        arrived_at_ms=NOW_MS,
    )
    return session_row(msgspec.to_builtins(stored))
