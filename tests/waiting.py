"""How tests wait: for what is to happen, however long that takes on this machine."""

import time
from collections.abc import Callable
from typing import TypeVar

from lab.ports import free_port as free_port

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
