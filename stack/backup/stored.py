"""The files of one backup on disk: written with their digests, and read as a whole before any is restored.

An encrypted backup cannot be exchanged for a plain one: with a passphrase, only encrypted ones are accepted.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from stack.backup import manifest as form
from stack.backup import sealing
from stack.backup.manifest import Manifest, Refused, SavedPart
from stack.backup.sealing import Sealing, SealingWriter, Writable
from streaming.data_folder import atomic_file

MANIFEST = "manifest.json"
SEALED_MANIFEST = "manifest.sealed"
_BLOCK_BYTES = 1 << 20
_OWNER_ONLY = 0o600


class Counted:
    """Counts and digests what is written to `out`."""

    def __init__(self, out: Writable) -> None:
        self._out, self._digest, self.bytes = out, hashlib.sha256(), 0

    def write(self, data: bytes, /) -> int:
        self._digest.update(data)
        self.bytes += len(data)
        return self._out.write(data)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class StoredBackup:
    """The backup in `folder`, which has its name; `sealing`: None if it is not encrypted."""

    def __init__(self, folder: Path, sealing: Sealing | None) -> None:
        self.folder, self._sealing = folder, sealing

    @property
    def name(self) -> str:
        return self.folder.name

    @contextmanager
    def writing(self, part: str) -> Iterator[tuple[Writable, Counted]]:
        """Yields what to write the part's content to, and what counts the bytes of its file. At the end they
        are on disk. Raises OSError."""
        path = self.folder / self._file(part)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "wb") as file:
            counted = Counted(file)
            if self._sealing is None:
                yield counted, counted
            else:
                writer = SealingWriter(counted, self._sealing, path.name)
                yield writer, counted
                writer.close()
            file.flush()
            os.fsync(file.fileno())

    def finish(self, manifest: Manifest) -> None:
        """Writes the manifest, in one step: before it there is no backup."""
        content = form.encode(manifest)
        if self._sealing is None:
            atomic_file.write(self.folder / MANIFEST, content, _OWNER_ONLY)
            return
        with atomic_file.writing(self.folder / SEALED_MANIFEST, _OWNER_ONLY) as file:
            writer = SealingWriter(file, self._sealing, SEALED_MANIFEST)
            writer.write(content)
            writer.close()

    def verified(self, known: Mapping[str, object]) -> Manifest:
        """Returns the manifest, having read every file. `known`: the parts that can be restored. Raises
        Refused if anything is missing, torn or altered."""
        found = self.manifest(known)
        for part in found.parts:
            self.verify(part)
        return found

    @contextmanager
    def reading(self, part: SavedPart) -> Iterator[BinaryIO]:
        """Yields the part's content. Reading raises Refused."""
        name = self._file(part.name)
        with (self.folder / name).open("rb") as file:
            yield file if self._sealing is None else sealing.opened(file, self._sealing, name)

    def _file(self, part: str) -> str:
        return part if self._sealing is None else f"{part}.sealed"

    def manifest(self, known: Mapping[str, object]) -> Manifest:
        """Returns the manifest, having read nothing else. Raises Refused."""
        name = MANIFEST if self._sealing is None else SEALED_MANIFEST
        try:
            with (self.folder / name).open("rb") as file:
                plain = file if self._sealing is None else sealing.opened(file, self._sealing, name)
                content = plain.read()
        except FileNotFoundError:
            raise Refused(f"{self.name} has no {name}: it is torn") from None
        return form.decode(content, self.name, known)

    def verify(self, part: SavedPart) -> None:
        """Raises Refused if the part's file is missing, torn or altered."""
        digest, count, name = hashlib.sha256(), 0, self._file(part.name)
        try:
            with (self.folder / name).open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
                    count += len(block)
        except FileNotFoundError:
            raise Refused(f"{name} of {self.name} is missing") from None
        if (count, digest.hexdigest()) != (part.bytes, part.sha256):
            raise Refused(f"{name} of {self.name} is torn or altered: it is not what was backed up")


def found(folder: Path, passphrase: bytes | None) -> StoredBackup:
    """Returns the backup in `folder`. Raises Refused if it is torn, encrypted without a passphrase, or plain
    though there is one."""
    name, sealed = folder.name, folder / SEALED_MANIFEST
    if passphrase is None:
        if sealed.exists():
            raise Refused(
                f"{name} is encrypted: name the file of its passphrase, VITRINE_BACKUP_PASSPHRASE_FILE"
            )
        return StoredBackup(folder, None)
    if not sealed.exists():
        if (folder / MANIFEST).exists():
            raise Refused(
                f"{name} is not encrypted, though VITRINE_BACKUP_PASSPHRASE_FILE is set: somebody may have "
                "put it in the place of one that is. If it is yours, restore it without that setting"
            )
        raise Refused(f"{name} has no manifest: it is torn")
    with sealed.open("rb") as file:
        return StoredBackup(folder, Sealing(passphrase, sealing.salt_of(file, SEALED_MANIFEST)))
