"""Makes sure that the dedup store knows every session that the log has committed, or rebuilds it."""

import logging
import time
from collections.abc import Iterator
from itertools import islice
from typing import Protocol
from uuid import uuid4

from streaming.contract import valid_session
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.pseudonym_key import key_ids, require_same
from streaming.contract.valid_session import ValidSession
from streaming.dedup.port import (
    ClaimAnswer,
    ClaimRequest,
    DedupStore,
    Generation,
    LogProgress,
    OutOfSync,
    RawPosition,
    StoreProgress,
    raw_position,
)

_log = logging.getLogger(__name__)
_BATCH = 5_000
_PROGRESS_EVERY_S = 2.0
_POLL_S = 0.5


class CommittedSessions(Protocol):
    """The log, as recovery reads it."""

    def committed(self) -> LogProgress:
        """Returns what the gates have committed."""

    def is_ours_alone(self) -> bool:
        """True if this gate holds all raw partitions, so that no other one can have a batch in hand."""

    def newest_first(self) -> Iterator[Iterator[bytes]]:
        """Yields, for each partition, the values of its valid sessions, the newest first."""

    def valid_sessions(self, since_ms: int) -> Iterator[tuple[bytes, float]]:
        """Yields the value of every valid session that is committed or being committed now, with the share
        read so far. Those that arrived before `since_ms` may be left out."""


def recover(store: DedupStore, log: CommittedSessions, settle_s: float, pseudonyms: Pseudonyms) -> Generation:
    """Returns the generation to use. May raise StoreUnavailable at any point; calling again is safe.
    Raises OtherKey, before it changes anything, if the log goes on with another key of pseudonyms.

    A gate that claimed sessions before the store lost its claims may still commit. Within `settle_s` of
    claiming, its records are in the log, at least in an open transaction, or it claims again (committing.py):
    so this waits that long.
    """
    while True:
        incarnation = store.incarnation()
        if not store.is_trusted() and not log.is_ours_alone():
            time.sleep(settle_s)
        committed, standing = log.committed(), store.standing()
        if standing is None or (reason := _why_not(standing, committed)):
            reason = reason if standing else "empty, or of another horizon"
            # A store that is in step was filled with this key. Of two gates that begin an empty log with two
            # keys, one stops here too: they take the store from each other until one of them has written.
            require_same(key_ids(log.newest_first(), pseudonyms), pseudonyms, "the log")
            generation = Generation(uuid4().hex[:12])
            since_ms = store.start_rebuild(generation, committed)
            if since_ms is None:
                _log.info("waiting_for_another_gates_rebuild")
                time.sleep(_POLL_S)
                continue
            _log.warning(
                "rebuild_started",
                extra={"reason": reason, "generation": generation, "since_ms": since_ms},
            )
            try:
                _rebuild(store, log, generation, since_ms, settle_s, pseudonyms)
            except OutOfSync as error:
                _log.warning("rebuild_lost", extra={"reason": str(error)})
            continue
        if store.trust(incarnation):
            return standing.generation


def _why_not(standing: StoreProgress, committed: LogProgress) -> str | None:
    if standing.log != committed.log:
        return "built from another log"
    for partition, offset in committed.offsets.items():
        if standing.offsets.get(partition, 0) < offset:
            return f"partition {partition} at {standing.offsets.get(partition, 0)}, committed {offset}"
    return None


def _rebuild(
    store: DedupStore,
    log: CommittedSessions,
    generation: Generation,
    since_ms: int,
    settle_s: float,
    pseudonyms: Pseudonyms,
) -> None:
    if not log.is_ours_alone():
        time.sleep(settle_s)
    committed = log.committed()
    started = reported = time.monotonic()
    restored = repeated = 0
    rest = log.valid_sessions(since_ms)
    while batch := list(islice(rest, _BATCH)):
        sessions: list[ValidSession] = []
        positions: list[RawPosition] = []
        arrived_ms: list[int] = []
        for value, _ in batch:
            session = valid_session.try_decode(value, pseudonyms)
            # Not written by a gate, so nothing was claimed for it; or its user was erased, who is a new one
            # now.
            if not isinstance(session, ValidSession):
                continue
            sessions.append(session)
            positions.append(raw_position(session.raw_partition, session.raw_offset))
            arrived_ms.append(session.arrived_at_ms)
        answers = store.restore(ClaimRequest(generation, sessions, positions, arrived_ms))
        restored += len(answers)
        repeated += answers.count(ClaimAnswer.TAKEN)
        if time.monotonic() - reported > _PROGRESS_EVERY_S:
            reported = time.monotonic()
            _log.info("rebuilding", extra={"sessions": restored, "done": round(batch[-1][1], 3)})
    store.finish_rebuild(generation, committed)
    took_s = round(time.monotonic() - started, 2)
    _log.info("rebuild_finished", extra={"sessions": restored, "repeated_in_log": repeated, "took_s": took_s})
