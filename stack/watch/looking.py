"""Each probe in a thread of its own: one that waits for an answer holds up no other."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stack.watch.board import Board
from streaming.metrics.kinds import Reading

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Probe:
    """`make` gives what looks, `every_s` seconds again and again. Both may raise whatever a client raises."""

    name: str
    make: Callable[[], Callable[[], Sequence[Reading]]]
    every_s: float


def look(probe: Probe, board: Board, stop: threading.Event) -> None:
    """Until `stop`. Whatever goes wrong is told on the board, and in the log when it begins and ends."""
    look_once: Callable[[], Sequence[Reading]] | None = None
    away: str | None = None
    while not stop.is_set():
        try:
            look_once = look_once or probe.make()
            board.saw(probe.name, look_once())
            if away is not None:
                _log.info("probe_back", extra={"probe": probe.name})
            away = None
        # The one place where every error is caught: a probe must not take the others with it.
        except Exception as error:
            cause = type(error).__name__
            board.away(probe.name, cause)
            if cause != away:
                _log.warning("probe_away", extra={"probe": probe.name, "cause": cause})
            away = cause
        stop.wait(probe.every_s)


def start(probes: Sequence[Probe], board: Board, stop: threading.Event) -> None:
    """Threads that end with the process."""
    for probe in probes:
        threading.Thread(target=look, args=(probe, board, stop), name=probe.name, daemon=True).start()
