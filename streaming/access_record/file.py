"""Appends to the access record, and reads its newest entries. Its folder is its owner's alone.

A deed is recorded before it is done: what cannot be recorded is not shown.
"""

import os
import pwd
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Literal

from streaming.access_record import entry as form
from streaming.access_record.entry import Deed, Entry
from streaming.access_record.label import Kind, label
from streaming.access_record.settings import AccessRecordSettings
from streaming.data_folder import opening
from streaming.settings import DataSettings

TAIL_BYTES = 1_000_000
KEY = "key"


class NotRecorded(Exception):
    """The access record cannot be written, so nothing may be shown or changed."""

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"The access record cannot be written ({error.strerror}: {error.filename}), "
            "and without an entry nothing is shown or changed"
        )


class AccessRecord:
    """The record in `folder`. Any number of processes may use it at once."""

    def __init__(self, folder: Path, keep_days: int) -> None:
        self._folder = folder
        self._keep_days = keep_days

    def add(
        self,
        who: str,
        did: Deed,
        what: str,
        sessions: Iterable[str] | None = None,
        why: str | None = None,
        users: Iterable[str] | None = None,
    ) -> None:
        """Appends one entry for each of `sessions` and `users` (their ids), or one that is about no single
        person. Returns when they are on disk. Raises NotRecorded."""
        now = datetime.now(UTC)
        try:
            with opening.folder(self._folder, 0o700) as inside:
                self._drop_expired(inside, now)
                about: list[str | None] = [None]
                if sessions is not None or users is not None:
                    key = self._key(inside)
                    about = [form.whose(key, "session", id_) for id_ in sessions or ()]
                    about += [form.whose(key, "user", id_) for id_ in users or ()]
                self._append(
                    inside,
                    form.file_name(now),
                    [form.line(form.entry(now, who, did, what, whose, why)) for whose in about],
                )
        except OSError as error:
            raise NotRecorded(error) from error

    def newest(self, most: int) -> list[Entry]:
        """Returns up to `most` entries, the newest first."""
        return list(islice(self._backwards(), most))

    def whose(self, kind: Literal["session", "user"], id_: str) -> str:
        """Returns what entries say instead of `id_`. Raises NotRecorded."""
        return form.whose(self.key(), kind, id_)

    def key(self) -> bytes:
        """Returns the key of hashes and labels (label.py), generated the first time. Raises NotRecorded."""
        try:
            with opening.folder(self._folder, 0o700) as inside:
                return self._key(inside)
        except OSError as error:
            raise NotRecorded(error) from error

    def label(self, kind: Kind, id_: str) -> str:
        """Returns today's label of `id_`. Raises NotRecorded."""
        return label(self.key(), kind, id_, datetime.now(UTC).date())

    def _append(self, inside: int, name: str, lines: Iterable[bytes]) -> None:
        opened = opening.new_or_existing(name, inside, os.O_RDWR | os.O_APPEND, 0o600)
        try:
            size = os.fstat(opened).st_size
            # A line that a full disk has cut must not take the next one with it.
            if size and os.pread(opened, 1, size - 1) != b"\n":
                os.write(opened, b"\n")
            for line in lines:
                if os.write(opened, line) != len(line):
                    raise OSError(0, "the entry was written in part", str(self._folder / name))
            os.fsync(opened)
        finally:
            os.close(opened)

    def _key(self, inside: int) -> bytes:
        """The key, generated the first time."""
        if (known := opening.content(KEY, inside)) is not None:
            return known
        # Whole or not at all, and never in the place of one that another process has made meanwhile.
        made, key = f"{KEY}.{secrets.token_hex(8)}", secrets.token_bytes(form.KEY_BYTES)
        with os.fdopen(opening.new(made, inside, os.O_WRONLY, 0o600), "wb") as out:
            out.write(key)
            out.flush()
            os.fsync(out.fileno())
        try:
            with suppress(FileExistsError):
                os.link(made, KEY, src_dir_fd=inside, dst_dir_fd=inside, follow_symlinks=False)
        finally:
            opening.remove(made, inside)
        return opening.content(KEY, inside) or key

    def _names(self, inside: int) -> list[str]:
        with os.scandir(inside) as entries:
            return sorted((entry.name for entry in entries if form.is_file(entry.name)), reverse=True)

    def _drop_expired(self, inside: int, now: datetime) -> None:
        for name in self._names(inside):
            if form.expired(name, now, self._keep_days):
                opening.remove(name, inside)

    def _backwards(self) -> Iterator[Entry]:
        with suppress(FileNotFoundError), opening.folder(self._folder) as inside:
            for name in self._names(inside):
                with os.fdopen(opening.existing(name, inside, os.O_RDONLY), "rb") as opened:
                    size = opened.seek(0, os.SEEK_END)
                    opened.seek(max(0, size - TAIL_BYTES))
                    lines = opened.read().splitlines()
                whole = lines[1:] if size > TAIL_BYTES else lines
                yield from filter(None, map(form.read, reversed(whole)))


def stored_record() -> AccessRecord:
    """Returns the record in the data folder that the settings name."""
    return AccessRecord(DataSettings().layout.accesses, AccessRecordSettings().keep_days)


def os_user() -> str:
    """Returns who runs this process, as an entry names them; by the uid, not by what the environment says."""
    with suppress(KeyError):
        return f"os:{pwd.getpwuid(os.getuid()).pw_name}"
    return f"os:{os.getuid()}"
