"""The privacy ledger as a part of a backup (decision 59). No restore makes any of its budget available again.

Its two collections, its outer link and its key are read under its lock, so that they belong together. A
ledger that is intact is newer, and left as it is. The outer link is never restored: it would vouch for a
ledger that has forgotten the charges since. It is saved because it tells whether the present one continues
it. What the present one knows and the restored ledger does not, counts as spent; without it, all blocks until
now.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import bson

from ml.budget import outer_link
from ml.budget.ledger import Ledger
from ml.budget.mongo import DATASET
from ml.budget.outer_file import KEY, OuterFileInFolder
from stack.backup.mongo_part import MongoPart
from stack.backup.part import Tell
from stack.backup.sealing import Writable
from streaming.data_folder import atomic_file, opening

LOCKED_FOR_S = 60
WHY = "restored from a backup"
OUTER_LINK = f"{DATASET}.json"
SET_ASIDE = ".before-restore"


@dataclass(frozen=True)
class LedgerPart:
    """`collections`: those of the ledger. `folder`: of the outer link, in which the key is too unless it is
    `given_key`. `record`: called with what is done to the ledger, before it is; `who` does it."""

    name: str
    collections: MongoPart
    folder: Path
    given_key: bytes | None
    ledger: Ledger
    who: str
    record: Callable[[str], None]
    needs: Sequence[str] = ("mongodb",)

    def present(self) -> str:
        return ""  # never replaced while it is intact

    def save(self, out: Writable, tell: Tell) -> list[str]:
        outer = OuterFileInFolder(self.folder, DATASET)
        with outer.locked(LOCKED_FOR_S):
            out.write(bson.encode({"key": outer.key(), "outer": outer.read()}))
            return self.collections.save(out, tell)

    def restore(self, saved: BinaryIO, tell: Tell) -> str:
        found = next(bson.decode_file_iter(saved))  # the collections follow
        if found["outer"] is None:
            return self._go_on()
        self._own_key(found["key"], found["outer"])
        if self.ledger.condition().state == "intact":
            return "left as it is: it is intact, and newer"
        self.collections.restore(saved, tell)
        return self._go_on()

    def _own_key(self, key: bytes | None, saved: bytes) -> None:
        """Puts the key back where it is missing. Sets an outer link aside that does not continue the saved
        one: it is of a ledger that was begun since, and knows nothing of the charges before."""
        there, key = OuterFileInFolder(self.folder, DATASET, self.given_key), self.given_key or key
        with there.locked(LOCKED_FOR_S):
            present = there.read()
            if present is not None and not _continues(present, there.key(), saved, key):
                self._set_aside(OUTER_LINK)
                present = None
            if present is None and key is not None and there.key() != key:
                self._set_aside(KEY)
                atomic_file.write(self.folder / KEY, key, 0o600)

    def _set_aside(self, name: str) -> None:
        with suppress(FileNotFoundError), opening.folder(self.folder) as inside:
            os.replace(name, name + SET_ASIDE, src_dir_fd=inside, dst_dir_fd=inside)

    def _go_on(self) -> str:
        """Counts as spent what may have been charged since the backup."""
        found = self.ledger.condition()
        if found.intact:
            return "nothing has been charged yet" if found.state == "new" else "intact"
        if found.state == "forged" or found.unchained:
            return found.told()
        self.record(f"accept-restored of the privacy ledger ({found.state})")
        self.ledger.accept_restored(self.who, WHY)
        if found.state == "shorter":
            return "each block that was charged since the backup counts as wholly spent"
        return "its outer link is lost, so all blocks until now count as wholly spent"


def _continues(present: bytes, present_key: bytes | None, saved: bytes, key: bytes | None) -> bool:
    """True if the outer link `present` is of the same ledger as `saved`, then or later."""
    if key is None or present_key is None or present_key != key:
        return False
    now, then = outer_link.opened(present_key, present), outer_link.opened(key, saved)
    if now is None or then is None:
        return False
    blocks = {one.block.start_ms for one in now.touched}
    return (
        now.newest >= then.sequence
        and now.charged >= then.charged
        and blocks.issuperset(one.block.start_ms for one in then.touched)
    )
