"""PURE: which windows of arrival time are still to be extracted.

The files are the watermark. Each is named after the half-open window [from, to) of arrivedAtMs it holds,
windows never overlap, and what no file covers is still to do: a lost file is extracted again by itself, a
crash leaves no gap.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise

from msgspec import Struct

END_OF_TIME_MS = 253_402_300_799_999


class Window(Struct, frozen=True, order=True):
    """Sessions with from_ms <= arrivedAtMs < to_ms."""

    from_ms: int
    to_ms: int

    def overlaps(self, other: "Window") -> bool:
        return self.from_ms < other.to_ms and other.from_ms < self.to_ms


_NAME = re.compile(r"part-(\d+)-(\d+)\.parquet")


def file_name(window: Window) -> str:
    """The name of the file that holds `window`."""
    return f"part-{window.from_ms}-{window.to_ms}.parquet"


def of_file_name(name: str) -> Window | None:
    """The window of a file of ours, None for any other name."""
    match = _NAME.fullmatch(name)
    return Window(int(match[1]), int(match[2])) if match else None


def period(start: str | None, end: str | None) -> Window | None:
    """The window between two ISO 8601 moments, UTC unless they say otherwise, either of which may be left
    open; None if both are. Raises ValueError if a moment cannot be read or the end does not come after the
    start."""
    if start is None and end is None:
        return None
    asked = Window(
        0 if start is None else _moment_ms(start), END_OF_TIME_MS if end is None else _moment_ms(end)
    )
    if asked.from_ms >= asked.to_ms:
        raise ValueError(f"The period must end after it begins, but {end} is not after {start or 1970}")
    return asked


def _moment_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text} is no moment: {error}") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def plan(extracted: Iterable[Window], until_ms: int, period: Window | None = None) -> list[Window]:
    """What to extract so that the files cover [0, until_ms): everything missing, or within `period`
    everything again.

    A past period snaps outward to the borders of the files it touches, so that no session ever stands in two.
    Raises ValueError where files already overlap, for then some sessions are counted twice.
    """
    parts = sorted(extracted)
    for before, after in pairwise(parts):
        if before.overlaps(after):
            raise ValueError(f"{file_name(before)} and {file_name(after)} overlap: remove one, extract again")
    scope = Window(0, until_ms)
    if period is not None:
        scope = Window(max(0, period.from_ms), min(until_ms, period.to_ms))
    if scope.from_ms >= scope.to_ms:
        return []
    again = [] if period is None else [part for part in parts if part.overlaps(scope)]
    return sorted([*again, *_gaps(parts, scope)])


def _gaps(parts: list[Window], scope: Window) -> Iterable[Window]:
    start = scope.from_ms
    for part in parts:
        if start < min(part.from_ms, scope.to_ms):
            yield Window(start, min(part.from_ms, scope.to_ms))
        start = max(start, part.to_ms)
    if start < scope.to_ms:
        yield Window(start, scope.to_ms)
