"""PURE: divides time into blocks of equal length. A block is identified by its first millisecond."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime


def block_of(moment_ms: int, block_ms: int) -> int:
    """Returns the block that contains the moment."""
    return moment_ms - moment_ms % block_ms


def touched(spans: Iterable[tuple[int, int]], block_ms: int) -> list[int]:
    """Returns the blocks that any of the closed spans of milliseconds overlaps, the newest first."""
    found: set[int] = set()
    for first_ms, last_ms in spans:
        found.update(range(block_of(first_ms, block_ms), last_ms + 1, block_ms))
    return sorted(found, reverse=True)


def describe(block: int, block_ms: int) -> str:
    """Returns the block as `2026-11-19 to 2026-11-26`, the end being the first day after it."""
    return f"{day(block)} to {day(block + block_ms)}"


def describe_all(blocks: Sequence[int], block_ms: int) -> str:
    """Returns several blocks as text, oldest first."""
    return ", ".join(describe(block, block_ms) for block in sorted(blocks))


def beginning_at(moment: str, block_ms: int) -> int:
    """Returns the block that contains the day or moment (ISO 8601, UTC). Raises ValueError for other text."""
    read = datetime.fromisoformat(moment)
    return block_of(int(read.replace(tzinfo=read.tzinfo or UTC).timestamp() * 1000), block_ms)


def day(moment_ms: int) -> str:
    """Returns the moment's day, ISO 8601, UTC."""
    return datetime.fromtimestamp(moment_ms / 1000, UTC).date().isoformat()
