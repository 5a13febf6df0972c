"""PURE: time cut into blocks of equal length. A block is named by its first millisecond."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime


def block_of(moment_ms: int, block_ms: int) -> int:
    """The block that holds the moment."""
    return moment_ms - moment_ms % block_ms


def touched(spans: Iterable[tuple[int, int]], block_ms: int) -> list[int]:
    """The blocks that any of the closed spans of milliseconds reaches into, the newest first."""
    found: set[int] = set()
    for first_ms, last_ms in spans:
        found.update(range(block_of(first_ms, block_ms), last_ms + 1, block_ms))
    return sorted(found, reverse=True)


def told(block: int, block_ms: int) -> str:
    """2026-11-19 to 2026-11-26, the end being the first day after it."""
    return f"{day(block)} to {day(block + block_ms)}"


def all_told(blocks: Sequence[int], block_ms: int) -> str:
    """Several, in the order of time."""
    return ", ".join(told(block, block_ms) for block in sorted(blocks))


def beginning_at(moment: str, block_ms: int) -> int:
    """The block that the day or moment (ISO 8601, UTC) lies in. Raises ValueError for what is none."""
    read = datetime.fromisoformat(moment)
    return block_of(int(read.replace(tzinfo=read.tzinfo or UTC).timestamp() * 1000), block_ms)


def day(moment_ms: int) -> str:
    """ISO 8601, UTC."""
    return datetime.fromtimestamp(moment_ms / 1000, UTC).date().isoformat()
