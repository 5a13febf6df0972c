"""Simulated sessions as the gate would write them, for benchmarks of the later stages."""

from collections.abc import Iterator
from itertools import islice

from streaming.contract.parsing import parse
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.session import Session
from streaming.contract.valid_session import StoredSession, admit
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic

PSEUDONYMS = Pseudonyms("benchmarks have no secrets")
"""Of a key that everybody may know: these people are made up."""


def valid_sessions(count: int, seed: int = 7, late_rate: float = 0.01) -> Iterator[StoredSession]:
    """Yields `count` distinct valid sessions of one day, with ten sessions per user on average."""
    settings = TrafficSettings(
        sessions=count * 2 + 100,
        users=max(count // 10, 10),
        seed=seed,
        late_rate=late_rate,
        broken_rate=0,
        no_consent_rate=0,
        duplicate_rate=0,
    )
    return islice(admitted(settings), count)


def admitted(settings: TrafficSettings) -> Iterator[StoredSession]:
    """Yields the valid ones among simulated sessions."""
    for offset, message in enumerate(traffic(settings)):
        session = parse(message.value, message.due_ms)
        if isinstance(session, Session):
            yield admit(
                session,
                PSEUDONYMS,
                user_kind="new" if offset % 2 else "returning",
                late=message.kind == "late",
                raw_partition=0,
                raw_offset=offset,
                arrived_at_ms=message.due_ms,
            )
