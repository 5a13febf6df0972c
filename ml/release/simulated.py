"""Rows of simulated sessions, validated and encoded by the same code as stored sessions."""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from ml.features.encoding import Encoding, labels
from ml.features.rows import Rows
from ml.features.session_row import session_row
from streaming.contract import parsing, valid_session
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.session import Session
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic

SESSIONS_PER_USER = 5
_AT_ONCE = 20_000
_PSEUDONYMS = Pseudonyms("nobody is simulated secretly")
"""Of a key that everybody may know: these people are made up."""


def rows(encoding: Encoding, sessions: int, seed: int) -> Rows:
    """Returns the rows of the valid ones among so many simulated sessions. The unit is the user. The same
    seed returns the same rows."""
    schema = encoding.schema
    assert schema.unit is not None
    x, y, unit = [], [], []
    for table in _tables(sessions, seed):
        columns = {name: [row[name] for row in table] for name in table[0]}
        x.append(encoding.encode(columns))
        y.append(labels(columns[schema.target], schema.positive))
        unit.append([_number(user) for user in columns[schema.unit]])
    return Rows(np.concatenate(x), np.concatenate(y), np.concatenate(unit).astype(np.int64))


def split(rows: Rows) -> tuple[Rows, Rows]:
    """Returns training and test rows. A fifth of the users, with all their rows, are for testing."""
    is_test = rows.unit % 5 == 0
    return rows.take(np.flatnonzero(~is_test)), rows.take(np.flatnonzero(is_test))


def _number(user: str) -> int:
    """Returns a hash of the user's pseudonym that is the same in every process."""
    return int.from_bytes(hashlib.sha256(user.encode()).digest()[:7], "big")


def _tables(sessions: int, seed: int) -> Iterator[list[dict[str, Any]]]:
    """Yields rows as extract_sessions would write them, up to _AT_ONCE at a time."""
    settings = TrafficSettings(
        sessions=sessions,
        seed=seed,
        users=max(1, sessions // SESSIONS_PER_USER),
        duplicate_rate=0,
        no_consent_rate=0,
    )
    seen: set[str] = set()
    table: list[dict[str, Any]] = []
    for message in traffic(settings):
        session = parsing.parse(message.value, message.due_ms)
        if not isinstance(session, Session):
            continue
        stored = valid_session.admit(
            session,
            _PSEUDONYMS,
            user_kind="returning" if session.user_id in seen else "new",
            late=message.kind == "late",
            raw_partition=0,
            raw_offset=0,
            arrived_at_ms=message.due_ms,
        )
        seen.add(session.user_id)
        table.append(session_row(msgspec.to_builtins(stored)))
        if len(table) == _AT_ONCE:
            yield table
            table = []
    if table:
        yield table
