"""Makes a backup while the stack runs."""

import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from stack import interrupted_restore
from stack.backup import log_positions, manifest, shelf
from stack.backup.manifest import Manifest, SavedPart
from stack.backup.part import Part
from stack.backup.parts import folder_parts, not_held, parts
from stack.backup.sealing import Sealing
from stack.backup.settings import BackupSettings
from stack.backup.stored import StoredBackup
from stack.service import StackContext
from streaming.access_record.file import os_user, stored_record
from streaming.data_folder.alone import alone
from streaming.process.exit_code import InvalidRequest
from streaming.settings import DataSettings, KafkaSettings

Tell = Callable[[str, str], None]


class Made(Struct, frozen=True):
    """A backup that was made and read again."""

    name: str
    folder: str
    encrypted: bool
    seconds: float
    bytes: int
    parts: tuple[SavedPart, ...]
    removed: list[str]
    """Older backups that were removed."""
    largest: str | None
    """The name of the largest, which is not removed, if this one has less than half its size: something may
    have been lost before it was made."""
    not_held: list[str]


def folder_of(place: StackContext, settings: BackupSettings) -> Path:
    """Returns the folder of the backups. Raises InvalidRequest if it would be part of a backup itself: each
    would hold those before, and a restore would replace the one that it reads."""
    folder = (settings.dir or place.layout.state / "backups").absolute()
    for part in folder_parts(place):
        if part.holds(folder):
            raise InvalidRequest(
                f"The folder of the backups, {folder}, is in {part.folder}, which is backed up, and replaced "
                "by a restore: move it, and name its place by VITRINE_BACKUP_DIR"
            )
    return folder


def save(place: StackContext, settings: BackupSettings, tell: Tell) -> Made:
    """Makes a backup, and reads it again. Raises InvalidRequest, StackError after an interrupted restore,
    StoreUnavailable, KafkaException, OSError; then nothing is left of it."""
    began_s, passphrase = time.monotonic(), shelf.passphrase(settings.passphrase_file)
    shelf_folder = folder_of(place, settings)
    interrupted_restore.require_none(place.layout)
    with shelf.locked(shelf_folder):
        shelf.remove_torn(shelf_folder)
        stored_record().add(os_user(), "backup", str(shelf_folder))
        folder = shelf_folder / manifest.name_of(datetime.now(UTC))
        folder.mkdir(mode=0o700)
        backup = StoredBackup(folder, Sealing.fresh(passphrase) if passphrase else None)
        try:
            # Not while `migrate` gives sessions other ids: pages by id would pass over some. Nor while
            # something is being deleted.
            tell("the stores", "once no migration, retention or purge runs …")
            with alone(DataSettings().layout.root):
                made = _save(place, backup, tell)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        largest = shelf.twice_as_large(shelf_folder)
        removed = shelf.remove_oldest(shelf_folder, settings.keep, but=largest)
    return Made(
        backup.name,
        str(folder),
        passphrase is not None,
        round(time.monotonic() - began_s, 1),
        sum(one.bytes for one in made.parts),
        made.parts,
        removed,
        largest,
        not_held(place),
    )


def _save(place: StackContext, backup: StoredBackup, tell: Tell) -> Manifest:
    # First: what the stores get while they are read is after these positions, and comes from the log again.
    positions = log_positions.now(KafkaSettings())
    all_parts = parts(place)
    saved = tuple(_save_part(part, backup, tell) for part in all_parts)
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    backup.finish(Manifest(manifest.FORMAT, backup.name, made_at, positions, saved))
    tell("reading it again", "…")
    found = backup.verified({part.name: part for part in all_parts})
    tell("reading it again", "all as it was written")
    return found


def _save_part(part: Part, backup: StoredBackup, tell: Tell) -> SavedPart:
    tell(part.name, "…")
    with backup.writing(part.name) as (out, counted):
        left_out = part.save(out, lambda state: tell(part.name, f"{state} …"))
    tell(part.name, f"{counted.bytes:,} bytes")
    return SavedPart(part.name, counted.bytes, counted.sha256, tuple(left_out))
