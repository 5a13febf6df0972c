"""Waits until MongoDB holds all valid sessions that arrived before a moment.

The gate decides and the store writes some time after a session arrived. If an extraction covered a time for
which MongoDB is not complete, sessions written later would never be extracted. A fixed safety margin does not
suffice in an outage; the committed offsets of the stages do. So the extraction waits until the gate has
decided every message that arrived before the moment, and then until the store has written everything that the
gate had written by then.
"""

import time

from streaming.contract import topics
from streaming.contract.topology import GATE, STORE
from streaming.kafka import offsets
from streaming.settings import KafkaSettings

CLOCK_SKEW_MS = 2_000
"""How far the broker's clock, which sets the arrival, may be behind this machine's, replication included."""


def wait(settings: KafkaSettings, until_ms: int, timeout_s: float) -> None:
    """Waits until every valid session with arrivedAtMs < `until_ms` is in MongoDB. Raises
    offsets.StageBehind after `timeout_s`, naming the stage."""
    deadline_s = time.monotonic() + timeout_s
    # Until then, messages with an arrival before `until_ms` may still be appended.
    time.sleep(max(0.0, (until_ms + CLOCK_SKEW_MS) / 1000 - time.time()))
    arrived = offsets.offsets_at(settings, topics.RAW, until_ms)
    offsets.wait_past(settings, GATE.group, topics.RAW, arrived, deadline_s)
    decided = offsets.ends(settings, topics.VALID)
    offsets.wait_past(settings, STORE.group, topics.VALID, decided, deadline_s)
