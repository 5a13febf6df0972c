"""What a run may read, and what is available. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadScope:
    """What a run may read: sessions of `blocks` that arrived before `until_ms`."""

    blocks: tuple[int, ...]
    block_ms: int
    until_ms: int


@dataclass(frozen=True)
class AvailableBlocks:
    """What is available, found from file names and footers, without reading a row. Whether a block has any
    session is treated as public."""

    blocks: list[int]
    """The newest first."""
    until_ms: int
