"""Plans which windows of arrival time to extract. Pure.

The file names are the only record of what has been extracted. Each file is named after its half-open window
[from, to) of arrivedAtMs; windows never overlap, and times that no file covers are still to be extracted. So
a lost file is extracted again automatically, and a crash leaves no gap.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

from streaming.contract.period import Window

_NAME = re.compile(r"part-(\d+)-(\d+)\.parquet")


def file_name(window: Window) -> str:
    """Returns the name of the file of `window`."""
    return f"part-{window.from_ms}-{window.to_ms}.parquet"


def of_file_name(name: str) -> Window | None:
    """Returns the window of an extract's file name, None for any other name."""
    match = _NAME.fullmatch(name)
    return Window(int(match[1]), int(match[2])) if match else None


def plan(
    extracted: Iterable[Window],
    until_ms: int,
    period: Window | None = None,
    outdated: Iterable[Window] = (),
) -> list[Window]:
    """Returns the windows to extract so that the files cover [0, until_ms). Without a `period`: those that
    are missing; with one: everything in it, again. In any case also the files that are `outdated`.

    A period is widened to the borders of the files that it overlaps, so that no session is ever in two files.
    Raises ValueError if files already overlap, because then some sessions are in two files.
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


def announced_to_ms(extra: Mapping[str, object] | None) -> int:
    """Returns up to when sessions were extracted, as the extra of an asset event says; 0 if it does not: op
    and admin can make an event by hand, with any extra or none."""
    announced = (extra or {}).get("extracted_to_ms")
    return announced if isinstance(announced, int) else 0


def _gaps(parts: list[Window], scope: Window) -> Iterable[Window]:
    start = scope.from_ms
    for part in parts:
        if start < min(part.from_ms, scope.to_ms):
            yield Window(start, min(part.from_ms, scope.to_ms))
        start = max(start, part.to_ms)
    if start < scope.to_ms:
        yield Window(start, scope.to_ms)
