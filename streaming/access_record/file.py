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
from streaming.data_folder import ownership
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
            ownership.make_folder(self._folder, 0o700)
            self._drop_expired(now)
            about: list[str | None] = [None]
            if sessions is not None or users is not None:
                key = self._key()
                about = [form.whose(key, "session", id_) for id_ in sessions or ()]
                about += [form.whose(key, "user", id_) for id_ in users or ()]
            self._append(
                self._folder / form.file_name(now),
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
            ownership.make_folder(self._folder, 0o700)
            return self._key()
        except OSError as error:
            raise NotRecorded(error) from error

    def label(self, kind: Kind, id_: str) -> str:
        """Returns today's label of `id_`. Raises NotRecorded."""
        return label(self.key(), kind, id_, datetime.now(UTC).date())

    def _append(self, file: Path, lines: Iterable[bytes]) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        opened = os.open(file, flags, 0o600)
        try:
            ownership.as_its_folder(opened, self._folder)
            size = os.fstat(opened).st_size
            # A line that a full disk has cut must not take the next one with it.
            if size and os.pread(opened, 1, size - 1) != b"\n":
                os.write(opened, b"\n")
            for line in lines:
                if os.write(opened, line) != len(line):
                    raise OSError(0, "the entry was written in part", str(file))
            os.fsync(opened)
        finally:
            os.close(opened)

    def _key(self) -> bytes:
        """The key, generated the first time."""
        file = self._folder / KEY
        with suppress(FileNotFoundError):
            return file.read_bytes()
        # Whole or not at all, and never in the place of one that another process has made meanwhile.
        made = self._folder / f"{KEY}.{secrets.token_hex(8)}"
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            ownership.as_its_folder(out.fileno(), self._folder)
            out.write(secrets.token_bytes(form.KEY_BYTES))
            out.flush()
            os.fsync(out.fileno())
        try:
            with suppress(FileExistsError):
                os.link(made, file)
        finally:
            made.unlink()
        return file.read_bytes()

    def _files(self) -> list[Path]:
        with suppress(FileNotFoundError):
            return sorted((file for file in self._folder.iterdir() if form.is_file(file.name)), reverse=True)
        return []

    def _drop_expired(self, now: datetime) -> None:
        for file in self._files():
            if form.expired(file.name, now, self._keep_days):
                file.unlink(missing_ok=True)

    def _backwards(self) -> Iterator[Entry]:
        for file in self._files():
            with file.open("rb") as opened:
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
