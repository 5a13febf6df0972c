"""Restores a backup, and sets the stores where they continue in the log."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from stack import interrupted_restore, interrupted_rewrite, lifecycle, resummarise, saved_settings
from stack.backup import log_positions, shelf, stored
from stack.backup.erasures_part import NAME as ERASURES
from stack.backup.manifest import Manifest, Refused
from stack.backup.part import Part
from stack.backup.parts import not_held, parts
from stack.backup.save import folder_of
from stack.backup.settings import BackupSettings
from stack.backup.stored import StoredBackup
from stack.context import under
from stack.service import StackContext
from stack.supervisor import Supervisor
from streaming.access_record.file import os_user, stored_record
from streaming.person.erasure_list import stored_list
from streaming.person.run import erase_again
from streaming.process.exit_code import InvalidRequest
from streaming.settings import KafkaSettings

Tell = Callable[[str, str], None]


class Restored(Struct, frozen=True):
    """What a restore has done."""

    name: str
    made_at: str
    same_log: bool
    """False if Kafka's log is another one than when the backup was made."""
    expired: dict[str, int]
    """By topic, how many records retention has deleted that a store would still need."""
    parts: dict[str, str]
    """What was done with each."""
    seconds: float
    not_held: list[str]


def check(place: StackContext, settings: BackupSettings, name: str | None) -> Manifest:
    """Returns the manifest of the backup called `name`, or of the newest, having read all of it. Raises
    Refused and InvalidRequest."""
    return _chosen(place, settings, name)[1]


def restore(
    place: StackContext,
    settings: BackupSettings,
    name: str | None,
    replace: bool,
    tell: Tell,
    erasures_unknown: bool = False,
) -> Restored:
    """Restores the backup called `name`; without one, that of an interrupted restore, or else the newest.
    `replace`: whether what there is may be lost. `erasures_unknown`: whether another backup may be passed
    over whose erasure list cannot be read. Leaves Kafka, MongoDB and Elasticsearch running. Raises
    Refused, before anything is changed, InvalidRequest, StackError, StoreUnavailable, KafkaException."""
    began_s = time.monotonic()
    interrupted = interrupted_restore.of(place.layout)
    tell("the backup", "reading all of it …")
    backup, manifest = _chosen(place, settings, name or interrupted)
    tell("the backup", f"{backup.name} is whole")
    with shelf.locked(folder_of(place, settings)):
        if interrupted is None:
            _require_leave(place, replace, tell)
        erasures = list(_erasures_elsewhere(place, settings, tell, erasures_unknown))
        lifecycle.take_down(place, tell)
        interrupted_restore.begin(place.layout, backup.name)
        done = _restore(parts(place), backup, manifest, tell, stopped=True)
        # What follows from the generated secrets is another now: from what the user has set, anew.
        place = under(place, saved_settings.chosen())
        os.environ.update(place.environment)
        stored_record().add(os_user(), "restore", backup.name)
        needed = {service for part in parts(place) for service in part.needs} | {"kafka"}
        lifecycle.bring_up(sorted(needed), tell, restoring=True)
        done |= _restore(parts(place), backup, manifest, tell, stopped=False)
        stored_list().unite(erasures)
        erased = erase_again(stored_list(), lambda step: tell(ERASURES, f"{step} …"))
        done[ERASURES] += f"; {sum(one.records or 0 for one in erased)} records of erased persons removed"
        tell(ERASURES, done[ERASURES])
        same_log = log_positions.is_same_log(KafkaSettings(), manifest.log)
        expired = log_positions.continue_from(
            KafkaSettings(), manifest.log, lambda state: tell("the log", state)
        )
        if interrupted_rewrite.last_ms(place.layout) > _ms(manifest.made_at):
            expired = {}  # it was not retention that deleted them: what is left was written behind
        if not same_log:
            resummarise.forget_state(place)  # it knows how far the job had read the other log
        os.sync()
        interrupted_restore.end(place.layout)
    return Restored(
        backup.name,
        manifest.made_at,
        same_log,
        expired,
        done,
        round(time.monotonic() - began_s, 1),
        not_held(place),
    )


def _chosen(place: StackContext, settings: BackupSettings, name: str | None) -> tuple[StoredBackup, Manifest]:
    backup = stored.found(
        shelf.chosen(folder_of(place, settings), name), shelf.passphrase(settings.passphrase_file)
    )
    return backup, backup.verified({part.name: part for part in parts(place)})


def _ms(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() * 1000


def _erasures_elsewhere(
    place: StackContext, settings: BackupSettings, tell: Tell, unknown: bool
) -> Iterator[bytes]:
    """Yields what all backups there know of erasures: an older one may have been chosen to be restored.
    Raises Refused if one cannot be read, unless they may be `unknown`."""
    known = {one.name: one for one in parts(place)}
    for folder in shelf.complete(folder_of(place, settings)):
        try:
            backup = stored.found(folder, shelf.passphrase(settings.passphrase_file))
            if (saved := backup.manifest(known).part(ERASURES)) is not None:
                backup.verify(saved)
                with backup.reading(saved) as content:
                    yield from content.read().splitlines(keepends=True)
        except Refused as refused:
            if not unknown:
                raise Refused(
                    f"whom to erase again is not known whole, for {folder.name} cannot be read ({refused}). "
                    "Restore all the same with --erasures-unknown, if nobody was erased shortly before that "
                    "backup was made, or the log still has who was"
                ) from refused
            tell(ERASURES, f"those of {folder.name} are not known: {refused}")


def _require_leave(place: StackContext, replace: bool, tell: Tell) -> None:
    """Raises InvalidRequest if something would be lost and may not be."""
    if replace:
        return
    if Supervisor(place.layout).processes():
        raise InvalidRequest("The stack runs, and a restore replaces its data: ./vitrine down first")
    there = [found for part in parts(place) if not part.needs and (found := part.present())]
    if "mongodb" in place.external or any((place.layout.stores / "mongodb").rglob("*")):
        lifecycle.bring_up(["mongodb"], tell, restoring=True)
        there += [found for part in parts(place) if "mongodb" in part.needs and (found := part.present())]
        lifecycle.take_down(place, tell)
    if there:
        raise InvalidRequest(
            f"There is data here, which a restore would replace: {'; '.join(there)}. What Kafka's log has "
            "comes back; what is only here and not in the backup is lost. Back it up (./vitrine backup), or "
            "restore all the same: ./vitrine restore --replace"
        )


def _restore(
    wanted: Iterable[Part], backup: StoredBackup, manifest: Manifest, tell: Tell, stopped: bool
) -> dict[str, str]:
    """Restores those parts for which no service may run, or those for which some must."""
    done = {}
    for part in wanted:
        if bool(part.needs) is stopped:
            continue
        if (saved := manifest.part(part.name)) is None:
            done[part.name] = "not in this backup: left as it is"
        else:
            tell(part.name, "…")
            with backup.reading(saved) as content:
                done[part.name] = part.restore(content, lambda state, one=part: tell(one.name, f"{state} …"))  # type: ignore[misc]
        tell(part.name, done[part.name])
    return done
