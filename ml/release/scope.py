"""What a run may read, and what there is to be read. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadScope:
    """What one may read: sessions of `blocks` that arrived before `until_ms`."""

    blocks: tuple[int, ...]
    block_ms: int
    until_ms: int


@dataclass(frozen=True)
class AvailableBlocks:
    """What is there to be read, told from file names and footers alone, without reading a row. That a block
    of time holds any session is taken as public."""

    blocks: list[int]
    """The newest first."""
    until_ms: int
