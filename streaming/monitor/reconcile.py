"""The probe of reconcile: its last verdict, and when it ended."""

from streaming.metrics import catalogue
from streaming.metrics.kinds import Reading
from streaming.reconcile import last_verdict


def reconcile_probe() -> list[Reading]:
    """Returns the last verdict; no readings before the first reconcile. Raises OSError or
    msgspec.MsgspecError."""
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
