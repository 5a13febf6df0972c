"""Makes sure that the store of seen sessions knows all that the log has committed, or builds it anew."""

import logging
import time
from collections.abc import Iterator
from itertools import islice
from typing import Protocol
from uuid import uuid4

from streaming.contract import valid_session
from streaming.contract.log_position import packed
from streaming.contract.session import Session
from streaming.dedup.port import TAKEN, DedupStore, LogProgress, OutOfSync, StoreProgress

_log = logging.getLogger(__name__)
_BATCH = 5_000
_PROGRESS_EVERY_S = 2.0
_ASK_AGAIN_S = 0.5


class CommittedSessions(Protocol):
    """What recovery needs of the log."""

    def committed(self) -> LogProgress:
        """How far the gates have come."""

    def is_ours_alone(self) -> bool:
        """Whether this gate holds all raw partitions: then no other one can be amid a batch."""

    def valid_sessions(self, since_ms: int) -> Iterator[tuple[bytes, float]]:
        """Values of every valid session committed or being committed now, with the share of the way done.
        Those that arrived before `since_ms` may be left out."""


def recover(seen: DedupStore, log: CommittedSessions, settle_s: float) -> str:
    """The generation to go on with. May raise StoreUnavailable at any point; calling again is safe.

    A gate that asked the store before it lost its memory may still commit. Its records are in the log, in an
    open transaction at least, within `settle_s` of asking, or it asks again (stage.py): so we wait that long.
    """
    while True:
        incarnation = seen.incarnation()
        if not seen.is_trusted() and not log.is_ours_alone():
            time.sleep(settle_s)
        committed, standing = log.committed(), seen.standing()
        if standing is None or (reason := _why_not(standing, committed)):
            reason = reason if standing else "empty, or of another horizon"
            generation = uuid4().hex[:12]
            since_ms = seen.start_rebuild(generation, committed)
            if since_ms is None:
                _log.info("waiting_for_another_gates_rebuild")
                time.sleep(_ASK_AGAIN_S)
                continue
            _log.warning(
                "rebuild_started",
                extra={"reason": reason, "generation": generation, "since_ms": since_ms},
            )
            try:
                _rebuild(seen, log, generation, since_ms, settle_s)
            except OutOfSync as error:
                _log.warning("rebuild_lost", extra={"reason": str(error)})
            continue
        if seen.trust(incarnation):
            return standing.generation


def _why_not(standing: StoreProgress, committed: LogProgress) -> str | None:
    if standing.log != committed.log:
        return "built from another log"
    for partition, offset in committed.offsets.items():
        if standing.offsets.get(partition, 0) < offset:
            return f"partition {partition} at {standing.offsets.get(partition, 0)}, committed {offset}"
    return None


def _rebuild(
    seen: DedupStore, log: CommittedSessions, generation: str, since_ms: int, settle_s: float
) -> None:
    if not log.is_ours_alone():
        time.sleep(settle_s)
    committed = log.committed()
    started = reported = time.monotonic()
    restored = repeated = 0
    rest = log.valid_sessions(since_ms)
    while batch := list(islice(rest, _BATCH)):
        sessions: list[Session] = []
        positions: list[int] = []
        arrived_ms: list[int] = []
        for value, _ in batch:
            session = valid_session.try_decode(value)
            if session is None:  # a foreigner's: it claimed nothing
                continue
            sessions.append(session)
            positions.append(packed(session.raw_partition, session.raw_offset))
            arrived_ms.append(session.arrived_at_ms)
        answers = seen.restore(generation, sessions, positions, arrived_ms)
        restored += len(answers)
        repeated += answers.count(TAKEN)
        if time.monotonic() - reported > _PROGRESS_EVERY_S:
            reported = time.monotonic()
            _log.info("rebuilding", extra={"sessions": restored, "done": round(batch[-1][1], 3)})
    seen.finish_rebuild(generation, committed)
    took_s = round(time.monotonic() - started, 2)
    _log.info("rebuild_finished", extra={"sessions": restored, "repeated_in_log": repeated, "took_s": took_s})
