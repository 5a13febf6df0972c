"""An account in its store together with its outer link: reads both, and writes both in the order in which a
process may die between any two steps."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from ml.budget import chain, outer_link
from ml.budget.account import Acceptance, Account
from ml.budget.chain import Entry, What
from ml.budget.condition import Condition, LedgerBroken, Stored, examine
from ml.budget.outer_file import OuterFile
from ml.budget.outer_link import OuterLink
from ml.budget.port import Accounts, Unreadable

GIVE_UP_AFTER_S = 120
_LOOKS = 100
_HIGHEST = 2**40


class Look(NamedTuple):
    """The ledger and its outer link at one moment."""

    key: bytes | None
    outer: OuterLink | None
    stored: Stored
    condition: Condition

    def require_intact(self) -> None:
        """Raises LedgerBroken if the ledger is not intact."""
        if not self.condition.intact:
            raise LedgerBroken(self.condition)


class ChainedAccount:
    """The account of `dataset`. Only under the lock of `outer` may anything but `quiet_look` be called."""

    def __init__(self, store: Accounts, outer: OuterFile, dataset: str) -> None:
        self._store = store
        self._outer = outer
        self._dataset = dataset

    def quiet_look(self) -> Look:
        """Returns a look during which no change was finished or announced, without the lock if possible."""
        for _ in range(_LOOKS):
            before = self._outer.read()
            look = self.look()
            if self._outer.read() == before:
                return look
        with self._outer.locked(GIVE_UP_AFTER_S):
            return self.look()

    def look(self) -> Look:
        """Returns the ledger, its outer link and their condition. The entries are read before the account."""
        key, content = self._outer.key(), self._outer.read()
        outer = None if key is None or content is None else outer_link.opened(key, content)
        if outer is not None and outer.dataset != self._dataset:
            outer = None
        entries = self._store.entries(self._dataset)
        try:
            stored = Stored(self._store.read(self._dataset), entries)
        except Unreadable:
            stored = Stored(None, entries, readable=False)
        return Look(key, outer, stored, examine(key, outer, content is not None, stored))

    def settled(self, look: Look) -> Look:
        """Finishes the entry that another process announced and stored before it died."""
        account, outer = look.stored.account, look.outer
        if look.condition.pending is None or look.key is None or outer is None or account is None:
            return look
        return look._replace(outer=self._finish(look.key, outer, account))

    def append(
        self,
        look: Look,
        before: Account,
        after: Account,
        what: What,
        change: object,
        blocks: Iterable[int],
        at: str,
    ) -> bool:
        """Announces, stores, records and settles one entry. Returns False if another process was first."""
        key = look.key or self._outer.make_key()
        outer = look.outer or outer_link.before_any(before)
        after = _with_head(key, what, at, after, change, outer.sequence + 1, outer.link)
        assert after.head is not None
        announced = outer_link.announce(outer, after.head, blocks)
        self._outer.write(outer_link.sealed(key, announced))
        stored = look.stored.account
        if not self._store.swap(after, stored.version if stored else None):
            return False
        self._finish(key, announced, after)
        return True

    def restart(self, what: What, outer: OuterLink, after: Account, deed: Acceptance, stored: Stored) -> None:
        """Begins the chain anew with a person's decision, above every number that was ever used."""
        key = self._outer.make_key()
        head = stored.account.head if stored.account else None
        found = [head.sequence if head else 0, *(entry.sequence for entry in stored.entries)]
        # Numbers that no ledger reaches were planted, and could not be counted on from.
        used = [outer.newest, *(number for number in found if number <= _HIGHEST)]
        version = max(after.version, outer.newest) + 1
        after = _with_head(
            key, what, deed.at, replace(after, version=version), deed, max(used) + 1, outer.link
        )
        assert after.head is not None
        announced = outer_link.announce(outer, after.head, [block.start_ms for block in after.blocks])
        self._outer.write(outer_link.sealed(key, announced))
        self._store.overwrite(after)
        self._finish(key, announced, after)

    def _finish(self, key: bytes, outer: OuterLink, account: Account) -> OuterLink:
        assert account.head is not None
        self._store.record(account.head)
        settled = outer_link.settle(outer, account)
        self._outer.write(outer_link.sealed(key, settled))
        return settled


def _with_head(
    key: bytes, what: What, at: str, after: Account, change: object, sequence: int, previous: str
) -> Account:
    after = replace(after, head=None)
    entry = Entry(
        dataset=after.dataset,
        sequence=sequence,
        previous=previous,
        at=at,
        what=what,
        change=msgspec.json.encode(change).decode(),
        state=chain.digest(after),
    )
    return replace(after, head=chain.signed(key, entry))
