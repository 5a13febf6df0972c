"""How a long-running process is asked to stop."""

import signal
from threading import Event
from types import FrameType


def stop_on_signal() -> Event:
    """Returns an event that SIGTERM and SIGINT set: the process then finishes what it has in hand."""
    stop = Event()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop
