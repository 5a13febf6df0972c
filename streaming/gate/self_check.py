"""Whether this release still lets through what the contract promises to read.

A gate that refuses sound sessions runs as fast as any other: until somebody looks, it turns the whole raw
topic into rejections. So it first judges the golden sessions by the code that will judge the log.
"""

from streaming.contract import golden
from streaming.contract.rejection import Rejection
from streaming.gate.decide import Raw
from streaming.gate.process import Batch


def refused_golden_sessions(horizon_ms: int) -> dict[str, Rejection]:
    """By name, why each golden session would be refused that would be; none should."""
    sessions = golden.sessions()
    raws = [Raw(0, n, one.event_time_ms, None, one.value) for n, one in enumerate(sessions)]
    judged = Batch(raws, {0: 0}, horizon_ms).parsed
    return {
        session.name: outcome
        for session, outcome in zip(sessions, judged, strict=True)
        if isinstance(outcome, Rejection)
    }
