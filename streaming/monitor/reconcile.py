"""The probe of the books: when they were last balanced, and whether they did."""

from streaming.metrics import catalogue
from streaming.metrics.kinds import Reading
from streaming.reconcile import last_verdict


def reconcile_probe() -> list[Reading]:
    """Nothing before the first reconcile. Raises OSError or msgspec.MsgspecError."""
    last = last_verdict.last()
    if last is None:
        return []
    return [
        Reading(catalogue.RECONCILE_ENDED, last.ended_at_ms / 1000),
        *(
            Reading(catalogue.RECONCILE_VERDICT, float(name == last.verdict), {"verdict": name})
            for name in last_verdict.NAMES.values()
        ),
    ]
