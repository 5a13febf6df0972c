"""Takes the rows of erased persons out of the extracts.

A file keeps its name, by which the window that it covers counts as extracted, and its place in the privacy
blocks: what a block has been charged stays charged. Files without pseudonyms are of an earlier release: they
go, and the next extraction writes them anew.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from streaming.data_folder.alone import alone
from streaming.retention.extracts import files, keep, opened_extract

USER, ARRIVED = "userPseudonym", "arrivedAtMs"


def rows_of(folder: Path, users: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yields the rows of these users."""
    for file in files(folder):
        with opened_extract(file) as opened:
            if USER in opened.schema_arrow.names:
                for at in range(opened.num_row_groups):
                    yield from opened.read_row_group(at).filter(pc.field(USER).isin(list(users))).to_pylist()


def erase(folder: Path, before_ms: Mapping[str, int]) -> int:
    """Removes the rows of each user that arrived before that user's moment; returns how many. An extraction
    that runs is waited for; it must not find the sessions in MongoDB any more."""
    if not before_ms or not folder.exists():
        return 0
    theirs = reduce(
        or_, ((pc.field(USER) == user) & (pc.field(ARRIVED) < at_ms) for user, at_ms in before_ms.items())
    )
    gone = 0
    with alone(folder):
        for file in files(folder):
            with opened_extract(file) as opened:
                if known := {USER, ARRIVED}.issubset(opened.schema_arrow.names):
                    found = opened.read(columns=[USER, ARRIVED]).filter(theirs).num_rows
            if not known:
                file.unlink()
            elif found:
                gone += keep(file, ~theirs)
    return gone
