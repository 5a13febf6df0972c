"""Reads the file to import, plain or gzip, in blocks of lines; recognises its format by the first line."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import IO, NamedTuple

from streaming.contract.feeds import ImportKeys
from streaming.contract.topics import RAW_MAX_BYTES
from streaming.file_import import shop_events
from streaming.process.exit_code import InvalidRequest

MAX_LINE_BYTES = RAW_MAX_BYTES
"""A longer line is cut to one byte more than this, so that it is still too long."""

_BLOCK_BYTES = 4 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


class Format(Enum):
    """The formats of a file to import."""

    JSON_LINES = "JSON Lines"
    SHOP_EVENTS = "CSV of shop events"


class SourceError(InvalidRequest):
    """The file cannot be imported; the message contains the reason and what to do."""


class Block(NamedTuple):
    """Lines without line ends and without blank lines, and the position in the stored file after them."""

    lines: list[bytes]
    position_bytes: int


def blocks(path: Path) -> Iterator[Block]:
    """Yields the lines of `path`, in memory of at most _BLOCK_BYTES + MAX_LINE_BYTES. Raises SourceError if
    it cannot be read or its gzip is damaged."""
    with _readable(path), path.open("rb") as stored:
        zipped = stored.read(2) == _GZIP_MAGIC
        stored.seek(0)
        stream: IO[bytes] = gzip.GzipFile(fileobj=stored) if zipped else stored  # type: ignore[assignment]
        rest, at_start = b"", True
        while chunk := stream.read(_BLOCK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if at_start and lines:
                lines[0], at_start = lines[0].removeprefix(_BOM), False
            rest = rest[: MAX_LINE_BYTES + 1]
            yield Block(_cleaned(lines), stored.tell())
        yield Block(_cleaned([rest.removeprefix(_BOM) if at_start else rest]), stored.tell())


def _cleaned(lines: list[bytes]) -> list[bytes]:
    return [line.removesuffix(b"\r")[: MAX_LINE_BYTES + 1] for line in lines if line and not line.isspace()]


def recognise(path: Path) -> Format:
    """Returns the format of `path`. Raises SourceError if it is empty or has neither of the two formats."""
    first = next((line for block in blocks(path) for line in block.lines), None)
    if first is None:
        raise SourceError(f"{path} is empty")
    missing = shop_events.missing_columns(first)
    if not missing:
        return Format.SHOP_EVENTS
    name = path.name.lower().removesuffix(".gz")
    if first.lstrip().startswith(b"{") or name.endswith((".jsonl", ".ndjson", ".json")):
        return Format.JSON_LINES
    raise SourceError(
        f"{path} is neither JSON Lines (lines of objects, name ending in .jsonl) nor a CSV of shop events: "
        f"its header lacks {', '.join(missing)} (needed: {', '.join(shop_events.COLUMNS)})"
    )


def feed_of(path: Path, imports: ImportKeys) -> str:
    """Returns the name of the feed for `path`, from a hash of its bytes: the same file is the same feed.
    Raises SourceError if there is no key."""
    if not imports.keys:
        raise SourceError(
            "VITRINE_IMPORT_KEYS is not set, so the gate would reject this import: set it to the gate's"
        )
    with _readable(path), path.open("rb") as stored:
        return imports.feed(hashlib.file_digest(stored, "sha256").hexdigest())


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"{path} is damaged: its gzip data cannot be read to the end ({error})") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error
