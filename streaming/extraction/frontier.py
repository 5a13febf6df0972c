"""Up to when the store is complete: the gate judges and the store writes some time after a session arrived.

An extraction must not run past what MongoDB holds, or a session written later, with an earlier arrival, would
be skipped for ever. No safety margin can promise that through an outage; the committed offsets of the stages
can. So the extraction waits until the gate has judged every message that arrived before the moment asked for,
and then until the store has acknowledged everything the gate had written by then.
"""

import time

from streaming.contract import topics
from streaming.contract.topology import GATE, STORE
from streaming.kafka import offsets
from streaming.settings import KafkaSettings

CLOCK_SKEW_MS = 2_000
"""How far the broker's clock, which stamps arrivals, may run behind ours, replication included."""


def wait(settings: KafkaSettings, until_ms: int, timeout_s: float) -> None:
    """Returns when every valid session with arrivedAtMs < `until_ms` is in MongoDB. Raises
    offsets.StageBehind after `timeout_s`, naming the stage."""
    deadline_s = time.monotonic() + timeout_s
    # What is stamped before `until_ms` may come until then.
    time.sleep(max(0.0, (until_ms + CLOCK_SKEW_MS) / 1000 - time.time()))
    arrived = offsets.offsets_at(settings, topics.RAW, until_ms)
    offsets.wait_past(settings, GATE.group, topics.RAW, arrived, deadline_s)
    judged = offsets.ends(settings, topics.VALID)
    offsets.wait_past(settings, STORE.group, topics.VALID, judged, deadline_s)
