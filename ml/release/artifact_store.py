"""Where a training's artifact lies before it is released, and how it comes out: by one rename.

unreleased/<key>/<attempt>/public and …/trusted become models/<name> and trusted/<name>. All but models/ is
the trusted side, readable by its owner alone.
"""

import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ml.budget.account import Release
from ml.folder_digest import folder_digest
from streaming.data_folder.atomic_file import sync
from streaming.data_folder.layout import DataLayout


class ArtifactLost(Exception):
    """What the privacy ledger says was released is not there, or not what it was. It cannot be made again:
    noise is drawn anew each time. A new run is a new charge."""


@dataclass(frozen=True)
class Attempt:
    """A folder of one attempt's own."""

    name: str
    public: Path
    trusted: Path


class ArtifactStore:
    """The artifacts in a data folder, released or not."""

    def __init__(self, layout: DataLayout) -> None:
        self._layout = layout

    def released(self, name: str) -> Path:
        """Where the artifact `name` stands once it is released."""
        return self._layout.models / name

    def trusted(self, name: str) -> Path:
        """What belongs to it and never leaves."""
        return self._layout.trusted / name

    def begin(self, key: str) -> Attempt:
        """An empty folder that no other attempt has."""
        folder = self._unreleased(key) / uuid.uuid4().hex
        for private in (self._layout.unreleased, self._layout.trusted):
            private.mkdir(parents=True, exist_ok=True, mode=0o700)
        attempt = self._attempt(folder)
        attempt.public.mkdir(parents=True)
        attempt.trusted.mkdir(mode=0o700)
        return attempt

    def seal(self, attempt: Attempt) -> str:
        """The digest of the artifact, all of whose bytes are on disk then."""
        for path in sorted(attempt.public.rglob("*")) + sorted(attempt.trusted.rglob("*")):
            sync(path)
        sync(attempt.public)
        return folder_digest(attempt.public)

    def publish(self, key: str, name: str, release: Release) -> None:
        """Puts in its place what `release` says, unless it is there. Raises
        ArtifactLost."""
        target = self.released(name)
        # What fails here has been done by another process, or cannot be done: the end tells which.
        with suppress(OSError):
            if not target.exists():
                self._move(self._attempt(self._unreleased(key) / release.attempt), name, release.digest)
        if not target.is_dir() or folder_digest(target) != release.digest:
            raise ArtifactLost(
                f"{target} is not what the ledger says was released, nor is that found elsewhere"
            )

    def _move(self, attempt: Attempt, name: str, expected: str) -> None:
        if folder_digest(attempt.public) != expected:
            return
        if attempt.trusted.is_dir():
            attempt.trusted.rename(self.trusted(name))
        self.released(name).parent.mkdir(parents=True, exist_ok=True)
        attempt.public.rename(self.released(name))
        sync(self.released(name).parent)

    def clear(self, key: str) -> None:
        """Forgets all attempts that were not released."""
        shutil.rmtree(self._unreleased(key), ignore_errors=True)

    def _unreleased(self, key: str) -> Path:
        return self._layout.unreleased / key

    def _attempt(self, folder: Path) -> Attempt:
        return Attempt(folder.name, folder / "public", folder / "trusted")
