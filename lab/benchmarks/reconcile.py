"""`python -m lab.benchmarks.reconcile [SESSIONS]`: memory and time of the comparison in `./vitrine
reconcile`.

Topics and stores are generated while they are read, so that only the state of the comparison uses memory.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Generic, TypeVar

import msgspec

from lab.benchmarks.sessions import PSEUDONYMS, valid_sessions
from streaming.contract import topics
from streaming.contract.valid_session import StoredSession, encode, encoder, sent
from streaming.gate.settings import GateSettings
from streaming.reconcile.account import reconcile_evidence
from streaming.reconcile.evidence import Evidence, OffsetRange, RawRecord, ReconcileScope, ValidRecord
from streaming.stores import Document
from streaming.summaries.documents import documents
from streaming.summaries.key_limit import USUAL
from streaming.summaries.product import Windows
from streaming.words.lists import Words

T = TypeVar("T")


class Made(Generic[T]):
    """An iterable that is generated again each time it is read."""

    def __init__(self, make: Callable[[], Iterable[T]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[T]:
        return iter(self._make())


def evidence(count: int) -> Evidence:
    """Returns correct evidence of `count` sessions of different users on one partition."""
    words = Words()

    def sessions() -> Iterator[StoredSession]:
        for offset, session in enumerate(valid_sessions(count)):
            place = {"raw_partition": 0, "raw_offset": offset, "late": False, "feed": "bench"}
            user = f"u{offset}"
            of_user, of_session = PSEUDONYMS.both(user, session.identity.session_id)
            yield msgspec.structs.replace(
                session,
                user_pseudonym=of_user,
                session_pseudonym=of_session,
                identity=msgspec.structs.replace(session.identity, user_id=user),
                user_kind="new",
                **place,
            )

    def raw() -> Iterator[RawRecord]:
        for at in sessions():
            yield RawRecord(0, at.raw_offset, at.arrived_at_ms, b"", encoder.encode(sent(at)))

    def found(index: str) -> Iterator[tuple[str, Document]]:
        if index == topics.PRODUCT_ACTIVITY:
            windows = Windows(USUAL)
            for session in sessions():
                windows.add(session)
            for id_, activity in windows.activities().items():
                yield id_, msgspec.to_builtins(activity)
            return
        for session in sessions():
            for where, id_, document in documents(session, words):
                if where == index:
                    yield id_, msgspec.to_builtins(document)

    gate = GateSettings()
    return Evidence(
        scope=ReconcileScope(spans={0: OffsetRange(0, count)}, until={0: count}),
        allowed_lateness_ms=gate.allowed_lateness_ms,
        horizon=gate.horizon,
        key_limit=USUAL,
        words=words,
        imports=gate.imports,
        pseudonyms=PSEUDONYMS,
        indexes={name: Made(partial(found, name)) for name in topics.INDEXED},
        mongodb=Made(lambda: ({"_id": s.session_pseudonym, **msgspec.to_builtins(s)} for s in sessions())),
        valid=Made(
            lambda: (ValidRecord(0, s.raw_offset, s.user_pseudonym.encode(), encode(s)) for s in sessions())
        ),
        rejected=(),
        raw=Made(raw),
    )


def resident_bytes() -> int:
    """Returns the peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(count: int) -> dict[str, float]:
    """Returns {"sessions", "bytes_a_session", "seconds"}, the memory beyond that of a first, small
    comparison."""
    reconcile_evidence(evidence(2_000), lambda: 0)
    before, began = resident_bytes(), time.monotonic()
    report = reconcile_evidence(evidence(count), lambda: 0)
    assert report.holds, report.breaks
    return {
        "sessions": count,
        "bytes_a_session": round((resident_bytes() - before) / count, 1),
        "seconds": round(time.monotonic() - began, 1),
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)))
