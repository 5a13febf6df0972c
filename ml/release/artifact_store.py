"""The folders of artifacts before and after their release. A release is one rename.

unreleased/<key>/<attempt>/public and …/trusted become models/<name> and trusted/<name>. Everything but
models/ is the trusted side, readable by its owner only.
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
    """The artifact that the privacy ledger records as released is missing or has changed. It cannot be made
    again, because each training draws new noise. A new run needs a new charge."""


@dataclass(frozen=True)
class Attempt:
    """The folders of one attempt."""

    name: str
    public: Path
    trusted: Path


class ArtifactStore:
    """The artifacts in a data folder, released or not yet."""

    def __init__(self, layout: DataLayout) -> None:
        self._layout = layout

    def released(self, name: str) -> Path:
        """Returns the folder of the artifact `name` after its release."""
        return self._layout.models / name

    def trusted(self, name: str) -> Path:
        """Returns the folder of the artifact's private files, which never leave the trusted side."""
        return self._layout.trusted / name

    def begin(self, key: str) -> Attempt:
        """Makes empty folders for a new attempt."""
        folder = self._unreleased(key) / uuid.uuid4().hex
        for private in (self._layout.unreleased, self._layout.trusted):
            private.mkdir(parents=True, exist_ok=True, mode=0o700)
        attempt = self._attempt(folder)
        attempt.public.mkdir(parents=True)
        attempt.trusted.mkdir(mode=0o700)
        return attempt

    def seal(self, attempt: Attempt) -> str:
        """Flushes all files of the attempt to disk and returns the artifact's digest."""
        for path in sorted(attempt.public.rglob("*")) + sorted(attempt.trusted.rglob("*")):
            sync(path)
        sync(attempt.public)
        return folder_digest(attempt.public)

    def publish(self, key: str, name: str, release: Release) -> None:
        """Moves the artifact of `release` to its released folder, unless it is there. Raises ArtifactLost."""
        target = self.released(name)
        # If this fails, another process has done it or it cannot be done: the check below tells which.
        with suppress(OSError):
            if not target.exists():
                self._move(self._attempt(self._unreleased(key) / release.attempt), name, release.digest)
        if not target.is_dir() or folder_digest(target) != release.digest:
            raise ArtifactLost(
                f"the artifact that the privacy ledger records for {target} is lost or has changed"
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
        """Deletes all attempts that were not released."""
        shutil.rmtree(self._unreleased(key), ignore_errors=True)

    def _unreleased(self, key: str) -> Path:
        return self._layout.unreleased / key

    def _attempt(self, folder: Path) -> Attempt:
        return Attempt(folder.name, folder / "public", folder / "trusted")
