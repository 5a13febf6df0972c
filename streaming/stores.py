"""Shared by all clients of stores: the type of a document, and the error of an unavailable store. Pure."""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
"""A JSON object as plain Python values."""


class StoreUnavailable(Exception):
    """A component is unavailable; the same call may succeed later. The text contains which one and why, but
    no content of messages."""


def pauses_s(first_s: float, longest_s: float) -> Iterator[float]:
    """Yields without end how long to wait before each further attempt at an unavailable store: twice as long
    each time, up to `longest_s`."""
    pause_s = first_s
    while True:
        yield pause_s
        pause_s = min(2 * pause_s, longest_s)
