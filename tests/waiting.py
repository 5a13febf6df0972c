"""How tests wait: for what is to happen, however long that takes on this machine."""

import random
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

HUNG_S = 300.0
"""The limit of every wait. It is no demand on speed: what takes longer will not come at all."""
POLL_S = 0.1


def until(is_so: Callable[[], T], what: str, standing: Callable[[], str] = str, hung_s: float = HUNG_S) -> T:
    """The first true answer of `is_so`. Fails if none comes, saying what was waited for and how it stands."""
    deadline = time.monotonic() + hung_s
    while not (answer := is_so()):
        assert time.monotonic() < deadline, f"hung, {hung_s:.0f} s without {what} {standing()}"
        time.sleep(POLL_S)
    return answer


def free_port() -> int:
    """A loopback port that nothing has, and that the system gives to no client of its own accord: a server
    that is killed finds it free again."""
    given_away_from = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10_000, max(given_away_from, 20_000))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
