"""The probe of the books: when they were last balanced, and whether they did."""

from streaming.ledger import verdict
from streaming.metrics import declared
from streaming.metrics.kinds import Reading


def reconcile_probe() -> list[Reading]:
    """Nothing before the first reconcile. Raises OSError or msgspec.MsgspecError."""
    last = verdict.last()
    if last is None:
        return []
    return [
        Reading(declared.RECONCILE_ENDED, last.ended_at_ms / 1000),
        *(
            Reading(declared.RECONCILE_VERDICT, float(name == last.verdict), {"verdict": name})
            for name in verdict.NAMES.values()
        ),
    ]
