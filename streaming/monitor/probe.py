"""Runs each probe in its own threads: a probe that waits for an answer does not delay the others."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from streaming.metrics.kinds import Reading
from streaming.monitor.probe_history import ProbeHistory

_log = logging.getLogger(__name__)
_MOST_HUNG = 8
HUNG = "NoAnswer"
"""The cause of failure of a probe that did not return in time."""


@dataclass(frozen=True)
class Probe:
    """`make` returns the function that probes; it is called every `every_s` seconds. Both may raise any
    error, or hang. After either, `make` is called again, because a client may never recover (the futures of a
    Kafka admin client were seen to time out for ever after its broker had been killed). `within_s`: how long
    one probe may take."""

    name: str
    make: Callable[[], Callable[[], Sequence[Reading]]]
    every_s: float
    within_s: float = 20.0


@dataclass(frozen=True)
class _Failed:
    cause: str


class _ProbeThread:
    """A thread that makes clients and probes with them until it fails. It keeps the clients until it ends,
    because even closing them may hang."""

    def __init__(self, probe: Probe) -> None:
        self._asked: SimpleQueue[bool] = SimpleQueue()
        self._found: SimpleQueue[Sequence[Reading] | _Failed] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(probe.make,), name=probe.name, daemon=True)
        self._thread.start()

    def look(self, within_s: float) -> Sequence[Reading] | _Failed:
        self._asked.put(True)
        try:
            found = self._found.get(timeout=within_s)
        except Empty:
            self._asked.put(False)  # ends the thread if it ever continues
            return _Failed(HUNG)
        if isinstance(found, _Failed):
            self._thread.join(within_s)
        return found

    def hangs(self) -> bool:
        return self._thread.is_alive()

    def _run(self, make: Callable[[], Callable[[], Sequence[Reading]]]) -> None:
        look_once: Callable[[], Sequence[Reading]] | None = None
        while self._asked.get():
            try:
                look_once = look_once or make()
                self._found.put(look_once())
            # Catches every error, because one probe must not stop the others.
            except Exception as error:  # noqa: BLE001
                self._found.put(_Failed(type(error).__name__))
                return


def look(probe: Probe, history: ProbeHistory, stop: threading.Event) -> None:
    """Probes until `stop`. Records each failure in the history; logs when failures begin and end."""
    thread: _ProbeThread | None = None
    left: list[_ProbeThread] = []
    away: str | None = None
    while not stop.is_set():
        thread = thread or _ProbeThread(probe)
        found = thread.look(probe.within_s)
        if isinstance(found, _Failed):
            history.record_failure(probe.name, found.cause)
            if found.cause != away:
                _log.warning("probe_unavailable", extra={"probe": probe.name, "cause": found.cause})
            away = found.cause
            left = [one for one in (*left, thread) if one.hangs()]
            thread = None
            if len(left) > _MOST_HUNG:
                _end_process(probe.name)
        else:
            history.record(probe.name, found)
            if away is not None:
                _log.info("probe_available", extra={"probe": probe.name})
            away = None
        stop.wait(probe.every_s)


def _end_process(probe: str) -> None:
    """Ends the process, because threads that hang cannot be ended, and each keeps its clients."""
    remedy = "none: the supervisor restarts the monitor"
    _log.error("fatal", extra={"cause": f"{_MOST_HUNG} threads of the probe {probe} hang", "remedy": remedy})
    logging.shutdown()
    os._exit(1)


def start(probes: Sequence[Probe], history: ProbeHistory, stop: threading.Event) -> None:
    """Starts a thread for each probe; the threads end with the process."""
    for probe in probes:
        threading.Thread(target=look, args=(probe, history, stop), name=probe.name, daemon=True).start()
