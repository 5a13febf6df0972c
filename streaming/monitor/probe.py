"""Each probe in threads of its own: one that waits for an answer holds up no other."""

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
"""Why a probe is away that did not come back in time."""


@dataclass(frozen=True)
class Probe:
    """`make` gives what looks, `every_s` seconds again and again. Both may raise whatever a client raises, or
    not return: then, as after an error, `make` is asked anew, because what was made may never get over it
    (the futures of an admin client of Kafka were seen to time out for ever once its broker had been killed).
    `within_s`: how long a look may take."""

    name: str
    make: Callable[[], Callable[[], Sequence[Reading]]]
    every_s: float
    within_s: float = 20.0


@dataclass(frozen=True)
class _Away:
    cause: str


class _Looker:
    """A thread that makes clients and looks with them until it fails; it takes them along when it ends, as
    even their ending may hang."""

    def __init__(self, probe: Probe) -> None:
        self._asked: SimpleQueue[bool] = SimpleQueue()
        self._found: SimpleQueue[Sequence[Reading] | _Away] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(probe.make,), name=probe.name, daemon=True)
        self._thread.start()

    def look(self, within_s: float) -> Sequence[Reading] | _Away:
        self._asked.put(True)
        try:
            found = self._found.get(timeout=within_s)
        except Empty:
            self._asked.put(False)  # should it ever come back
            return _Away(HUNG)
        if isinstance(found, _Away):
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
            # The one place where every error is caught: a probe must not take the others with it.
            except Exception as error:  # noqa: BLE001
                self._found.put(_Away(type(error).__name__))
                return


def look(probe: Probe, board: ProbeHistory, stop: threading.Event) -> None:
    """Until `stop`. Whatever goes wrong is told on the board, and in the log when it begins and ends."""
    looker: _Looker | None = None
    left: list[_Looker] = []
    away: str | None = None
    while not stop.is_set():
        looker = looker or _Looker(probe)
        found = looker.look(probe.within_s)
        if isinstance(found, _Away):
            board.away(probe.name, found.cause)
            if found.cause != away:
                _log.warning("probe_away", extra={"probe": probe.name, "cause": found.cause})
            away = found.cause
            left = [one for one in (*left, looker) if one.hangs()]
            looker = None
            if len(left) > _MOST_HUNG:
                _end_process(probe.name)
        else:
            board.saw(probe.name, found)
            if away is not None:
                _log.info("probe_back", extra={"probe": probe.name})
            away = None
        stop.wait(probe.every_s)


def _end_process(probe: str) -> None:
    """Threads that hang cannot be ended, and each keeps its clients."""
    remedy = "a restart, which is coming"
    _log.error("fatal", extra={"cause": f"{_MOST_HUNG} looks of the probe {probe} hang", "remedy": remedy})
    logging.shutdown()
    os._exit(1)


def start(probes: Sequence[Probe], board: ProbeHistory, stop: threading.Event) -> None:
    """Threads that end with the process."""
    for probe in probes:
        threading.Thread(target=look, args=(probe, board, stop), name=probe.name, daemon=True).start()
