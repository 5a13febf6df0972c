"""Checks that this release still accepts what the contract promises to accept.

A gate that rejects sound sessions runs as fast as any other: until somebody notices, it turns the whole raw
topic into rejections. So it first decides on the golden sessions with the code that will decide on the log.
"""

from streaming.contract import golden
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.rejection import Rejection
from streaming.gate.decide import Raw, Rules
from streaming.gate.process import Batch


def refused_golden_sessions(horizon_ms: int, pseudonyms: Pseudonyms) -> dict[str, Rejection]:
    """Returns, by name, the rejections of golden sessions; there should be none."""
    sessions = golden.sessions()
    raws = [Raw(0, n, one.event_time_ms, None, one.value) for n, one in enumerate(sessions)]
    rules = Rules(allowed_lateness_ms=0, extraction_every=1, horizon_ms=horizon_ms, pseudonyms=pseudonyms)
    parsed = Batch(raws, {0: 0}, rules).parsed
    return {
        session.name: outcome
        for session, outcome in zip(sessions, parsed, strict=True)
        if isinstance(outcome, Rejection)
    }
