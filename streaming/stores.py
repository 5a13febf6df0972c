"""What every client of a store shares: the document it holds, and the error while it is unavailable. Pure."""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
"""A JSON object as plain Python values."""


class StoreUnavailable(Exception):
    """A component does not do its work at the moment; the same call may succeed later. The text says which
    and why, without any message's content."""


def pauses_s(first_s: float, longest_s: float) -> Iterator[float]:
    """How long to wait before each further attempt at a store that is unavailable: twice as long each time,
    up to `longest_s`; without end."""
    pause_s = first_s
    while True:
        yield pause_s
        pause_s = min(2 * pause_s, longest_s)
