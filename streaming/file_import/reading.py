"""Turns a file into messages for the raw topic, in bounded memory."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from streaming.contract.feeds import ImportKeys
from streaming.data_folder import opening
from streaming.file_import import json_lines, source, visit
from streaming.file_import.grouping import Grouping
from streaming.file_import.json_lines import Outgoing
from streaming.file_import.settings import IngestSettings
from streaming.file_import.shop_events import RowReader
from streaming.file_import.source import Format


class Watcher(Protocol):
    """Its methods are called with the progress of reading."""

    def read(self, position_bytes: int) -> None: ...

    def grouping(self) -> None: ...


class Reading:
    """One pass over `path`; `events` counts the rows or lines read so far. Raises SourceError if the file
    cannot be imported; if only its end is damaged, while `messages` is read."""

    def __init__(
        self, path: Path, assigned: Mapping[str, str], watcher: Watcher, imports: ImportKeys
    ) -> None:
        self.format = source.recognise(path)
        self.feed = source.feed_of(path, imports)
        self.events = 0
        self._path, self._assigned, self._watcher = path, assigned, watcher
        self._imports = imports

    def messages(self, settings: IngestSettings, spill: Path) -> Iterator[Outgoing]:
        """Yields a message for each session, and each line that cannot be read unchanged. Grouping needs
        space for the events in the directory `spill`."""
        if self.format is Format.JSON_LINES:
            return self._json_lines()
        return self._shop_events(settings, spill)

    def _json_lines(self) -> Iterator[Outgoing]:
        for block in source.blocks(self._path):
            self._watcher.read(block.position_bytes)
            for line in block.lines:
                self.events += 1
                yield json_lines.outgoing(line, self.feed, self._assigned, self._imports)

    def _shop_events(self, settings: IngestSettings, spill: Path) -> Iterator[Outgoing]:
        with opening.temporary(spill, "ingest-") as directory:
            grouping = Grouping(directory, settings.memory_mb, settings.threads)
            try:
                reader: RowReader | None = None
                for block in source.blocks(self._path):
                    lines = block.lines
                    if reader is None and lines:
                        reader, lines = RowReader(lines[0]), lines[1:]
                    if reader is not None and lines:
                        self.events += len(lines)
                        rows = reader.read(lines)
                        yield from (Outgoing(None, line) for line in rows.malformed)
                        grouping.add(rows.events)
                    self._watcher.read(block.position_bytes)
                self._watcher.grouping()
                for events in grouping.sessions():
                    yield visit.outgoing(events, self.feed, self._assigned)
            finally:
                grouping.close()
