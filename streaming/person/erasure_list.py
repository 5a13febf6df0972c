"""The file of the erasure list. Its folder is its owner's alone, and no restore takes it back."""

import fcntl
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from streaming.data_folder import opening
from streaming.data_folder.alone import alone
from streaming.person import erasures
from streaming.person.erasures import Amount, Event, Request
from streaming.settings import DataSettings
from streaming.stores import StoreUnavailable

FILE = "list.jsonl"


class ErasureList:
    """The list in `folder`. Any number of processes may use it at once. Every method may raise
    StoreUnavailable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def lines(self) -> list[bytes]:
        """Returns its lines."""
        with _told(self._folder), suppress(FileNotFoundError), opening.folder(self._folder) as inside:
            return (opening.content(FILE, inside) or b"").splitlines(keepends=True)
        return []

    def requests(self) -> list[Request]:
        """Returns all requests, the oldest first."""
        return erasures.requests(erasures.read(self.lines()))

    def request(self, user: str) -> Request:
        """Writes down that the person with this pseudonym is to be erased, unless that is asked for already.
        On return it is on disk."""
        with self._alone() as inside:
            for one in erasures.still_open(self._requests(inside)):
                if one.user == user:
                    return one
            made = Request(secrets.token_hex(8), user, _now_ms())
            self._append(inside, [erasures.line(Event(made.requested_ms, made.id, user, "requested"))])
        return made

    def begin(self, of: Iterable[Request], moment_ms: int) -> list[Request]:
        """Writes down that what came before this moment of the persons of these requests goes, and returns
        the requests so. Those that have begun before keep their moment."""
        with self._alone() as inside:
            fresh = [one for one in of if one.begun_ms is None]
            self._append(
                inside, [erasures.line(Event(moment_ms, one.id, one.user, "begun")) for one in fresh]
            )
            ids = {one.id for one in of}
            return [one for one in self._requests(inside) if one.id in ids]

    def learn(self, before_ms: Mapping[str, int]) -> list[Request]:
        """Writes down that what came before these moments goes, by pseudonym, of whom it does not know that
        yet; returns the requests made of it."""
        if not before_ms:
            return []
        with self._alone() as inside:
            known = erasures.erased_before_ms(self._requests(inside))
            made = [
                Request(secrets.token_hex(8), user, at_ms, begun_ms=at_ms)
                for user, at_ms in before_ms.items()
                if known.get(user, 0) < at_ms
            ]
            lines = [Event(one.requested_ms, one.id, one.user, "begun") for one in made]
            self._append(inside, list(map(erasures.line, lines)))
        return made

    def end(self, of: Iterable[Request], places: Iterable[Amount]) -> None:
        """Writes down that nothing of before is left."""
        removed, now_ms = tuple(places), _now_ms()
        with self._alone() as inside:
            self._append(
                inside, [erasures.line(Event(now_ms, one.id, one.user, "done", removed)) for one in of]
            )

    @contextmanager
    def carrying_out(self) -> Iterator[None]:
        """Waits until no other process carries out requests."""
        with _told(self._folder), opening.folder(self._folder, 0o700):
            pass
        with alone(self._folder / "running"):
            yield

    def unite(self, elsewhere: Iterable[bytes]) -> int:
        """Adds the lines of another copy that this one lacks. Returns how many."""
        with self._alone() as inside:
            here = (opening.content(FILE, inside) or b"").splitlines()
            lacking = erasures.missing(here, elsewhere)
            self._append(inside, lacking)
            return len(lacking)

    def _requests(self, inside: int) -> list[Request]:
        return erasures.requests(erasures.read((opening.content(FILE, inside) or b"").splitlines()))

    @contextmanager
    def _alone(self) -> Iterator[int]:
        with _told(self._folder), opening.folder(self._folder, 0o700) as inside:
            fcntl.flock(inside, fcntl.LOCK_EX)  # until the folder is closed
            yield inside

    def _append(self, inside: int, lines: list[bytes]) -> None:
        opened = opening.new_or_existing(FILE, inside, os.O_RDWR | os.O_APPEND, 0o600)
        try:
            size = os.fstat(opened).st_size
            # A line that a full disk has cut must not take the next one with it.
            if size and os.pread(opened, 1, size - 1) != b"\n":
                os.write(opened, b"\n")
            for line in lines:
                if os.write(opened, line) != len(line):
                    raise OSError(0, "it was written in part", str(self._folder / FILE))
            os.fsync(opened)
            os.fsync(inside)
        finally:
            os.close(opened)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreUnavailable(
            f"The erasure list in {folder} cannot be read or written ({error.strerror})"
        ) from error


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def stored_list() -> ErasureList:
    """Returns the list in the data folder that the settings name."""
    return ErasureList(DataSettings().layout.erasures)
