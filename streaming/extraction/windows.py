"""PURE: which windows of arrival time are still to be extracted.

The files are the watermark. Each is named after the half-open window [from, to) of arrivedAtMs it holds,
windows never overlap, and what no file covers is still to do: a lost file is extracted again by itself, a
crash leaves no gap.
"""

import re
from collections.abc import Iterable
from itertools import pairwise

from streaming.contract.period import Window

_NAME = re.compile(r"part-(\d+)-(\d+)\.parquet")


def file_name(window: Window) -> str:
    """The name of the file that holds `window`."""
    return f"part-{window.from_ms}-{window.to_ms}.parquet"


def of_file_name(name: str) -> Window | None:
    """The window of a file of ours, None for any other name."""
    match = _NAME.fullmatch(name)
    return Window(int(match[1]), int(match[2])) if match else None


def plan(
    extracted: Iterable[Window],
    until_ms: int,
    period: Window | None = None,
    outdated: Iterable[Window] = (),
) -> list[Window]:
    """What to extract so that the files cover [0, until_ms): everything missing, or within `period`
    everything again; and whatever the period, those of the files that are `outdated`.

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
    again = set(outdated)
    if scope.from_ms >= scope.to_ms:
        return sorted(again)
    if period is not None:
        again |= {part for part in parts if part.overlaps(scope)}
    return sorted([*again, *_gaps(parts, scope)])


def _gaps(parts: list[Window], scope: Window) -> Iterable[Window]:
    start = scope.from_ms
    for part in parts:
        if start < min(part.from_ms, scope.to_ms):
            yield Window(start, min(part.from_ms, scope.to_ms))
        start = max(start, part.to_ms)
    if start < scope.to_ms:
        yield Window(start, scope.to_ms)
