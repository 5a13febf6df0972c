"""The privacy ledger of one data set: every change is one compare-and-set of one document, and one entry of a
chain whose newest link is also kept outside the store."""

import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from ml.budget import acceptance, chain, outer_link
from ml.budget import account as accounts
from ml.budget.account import Acceptance, Account, Charge, NotCharged, Raise, Release, Request
from ml.budget.chain import Entry, What
from ml.budget.condition import Condition, LedgerBroken, Stored, examine, is_genuine
from ml.budget.outer_file import Busy, OuterFile
from ml.budget.outer_link import OuterLink
from ml.budget.settings import BudgetSettings
from streaming.contract.time_units import DAY_MS

T = TypeVar("T")

_GIVE_UP_AFTER_S = 120
_LONGEST_WAIT_S = 0.05
_LOOKS = 100
_HIGHEST = 2**40


class Unreadable(Exception):
    """What is stored under the data set's name has not the form of an account."""


class Accounts(Protocol):
    """A store of accounts. Every method may raise StoreUnavailable, even after it has taken effect."""

    def read(self, dataset: str) -> Account | None:
        """Returns the stored account, None if there is none yet. Raises Unreadable."""

    def swap(self, account: Account, seen: int | None) -> bool:
        """Replaces version `seen` of the account (None: no account) by `account` in one atomic step. Returns
        False, and changes nothing, if another version is stored. After True a crash cannot lose the
        change."""

    def overwrite(self, account: Account) -> None:
        """Replaces whatever is stored under the data set's name."""

    def record(self, entry: Entry) -> None:
        """Appends to the record of all entries, once for each sequence number."""

    def entries(self, dataset: str) -> tuple[Entry, ...]:
        """Returns all entries, by sequence number. One whose number cannot be read is left out, one that
        cannot be read otherwise has no link."""


class Look(NamedTuple):
    """The ledger and its outer link at one moment."""

    key: bytes | None
    outer: OuterLink | None
    stored: Stored
    condition: Condition


class Ledger:
    """Charges, releases and budgets of `dataset`. Any number of processes may use it concurrently.

    Guarantee: all runs together cost a unit of a block at most the block's (epsilon, delta), also if MongoDB
    is cut, replaced or restored, or processes die, at any time. Unit: one user's sessions of one block.
    Neighbouring data sets differ in one unit, added or removed. Assumptions: each run's cost is what it is
    charged for; nobody but the operator can write to the folder of the outer link or knows the key; and that
    folder is never set back to an earlier state. Who can do that can rewind the ledger.
    """

    def __init__(self, store: Accounts, outer: OuterFile, dataset: str, settings: BudgetSettings) -> None:
        self._store = store
        self._outer = outer
        self._dataset = dataset
        self._settings = settings

    def condition(self) -> Condition:
        """Returns whether the ledger is intact."""
        return self._quiet_look().condition

    def account(self) -> Account:
        """Returns the stored account, or a new one with the budget of the settings. Raises LedgerBroken."""
        look = self._quiet_look()
        _require_intact(look)
        return look.stored.account or self._fresh()

    def charge(self, request: Request) -> Charge:
        """Charges `request`, once for each key. Raises OverBudget and LedgerBroken. No row may be read before
        it returns."""

        def step(account: Account) -> tuple[Account, Charge, Iterable[int]]:
            after, charge = accounts.charge(account, request)
            return after, charge, charge.blocks

        return self._change("charged", step)

    def charge_of(self, key: str) -> Charge:
        """Returns the charge with this key. Raises NotCharged and LedgerBroken."""

        def step(account: Account) -> tuple[Account, Charge | None, Iterable[int]]:
            return account, account.find(key), ()

        # As a change that changes nothing, so that what a dead process announced is settled before.
        if (charge := self._change("charged", step)) is None:
            raise NotCharged(f"{key}: nothing was charged for it, so nothing may be read")
        return charge

    def release(self, key: str, digest: str, attempt: str, at: str) -> Charge:
        """Records that the charge released the artifact `digest` made by `attempt`. Returns the charge with
        its release, which is another artifact if another attempt was first. Raises NotCharged and
        LedgerBroken."""

        def step(account: Account) -> tuple[Account, Charge, Iterable[int]]:
            after, charge = accounts.release(account, key, Release(digest, attempt, at))
            return after, charge, charge.blocks

        return self._change("released", step)

    def set_budget(self, change: Raise) -> Account:
        """Sets a budget and records who did it, when and why. Raises ValueError and LedgerBroken."""

        def step(account: Account) -> tuple[Account, Raise, Iterable[int]]:
            after = accounts.set_budget(account, change)
            return after, change, () if change.block is None else (change.block,)

        self._change("set", step)
        return self.account()

    def adopt(self, who: str, why: str) -> Account:
        """Begins the chain of a ledger that was made before there was one. Raises ValueError if this ledger
        is not from then."""
        with self._outer.locked(_GIVE_UP_AFTER_S):
            look = self._look()
            account = look.stored.account
            if not look.condition.unchained or account is None:
                raise ValueError(
                    f"this ledger is not one from before the chain: it is {look.condition.state}. "
                    "./vitrine budget says what to do"
                )
            deed = Acceptance(now(), who, why, "adopted as it was", complete=True)
            after = acceptance.adopted(account, deed)
            self._restart("adopted", outer_link.before_any(after), after, deed, look.stored)
        return self.account()

    def accept_restored(self, who: str, why: str) -> Account:
        """Goes on with a ledger of which something was lost, and counts as spent what may have been. Raises
        ValueError if the ledger is intact or from before the chain."""
        with self._outer.locked(_GIVE_UP_AFTER_S):
            look = self._look()
            found, stored, outer = look.condition, look.stored, look.outer
            if found.intact or found.unchained:
                raise ValueError(
                    "this ledger is intact: nothing is to be accepted"
                    if found.intact
                    else "this ledger is from before the chain: ./vitrine budget adopt"
                )
            at = now()
            if outer is not None and found.state != "unanchored":
                account = stored.account if found.kept else None
                if account is not None:
                    outer = outer_link.settle(outer, account)
                complete = account is not None or not outer.closed_before_ms
                deed = Acceptance(
                    at, who, why, f"{found.state}: blocks charged since count as spent", complete
                )
                after = acceptance.restored(outer, found, account, deed)
            else:
                deed = Acceptance(at, who, why, f"{found.state}: all blocks until then count as spent", False)
                now_ms = int(time.time() * 1000)
                account = stored.account
                if account is not None and not (look.key and is_genuine(look.key, self._dataset, account)):
                    account = None
                after = acceptance.begun_anew(self._fresh(), account, now_ms, deed)
                # At least 1: from now on, a missing account is a loss.
                sequence, link = (outer.newest, outer.link) if outer else (1, "")
                outer = replace(outer_link.before_any(after), sequence=max(1, sequence), link=link)
            self._restart("restored", outer, after, deed, stored)
        return self.account()

    def _fresh(self) -> Account:
        return Account(
            self._dataset,
            self._settings.block_days * DAY_MS,
            self._settings.epsilon,
            self._settings.delta,
        )

    def _change(self, what: What, step: Callable[[Account], tuple[Account, T, Iterable[int]]]) -> T:
        """Makes one change, of which `step` returns the account after it, the answer, which the entry
        records, and the blocks concerned."""
        deadline_s = time.monotonic() + _GIVE_UP_AFTER_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            with self._outer.locked(left_s):
                look = self._look()
                _require_intact(look)
                look = self._settled(look)
                before = look.stored.account or self._fresh()
                after, answer, blocks = step(before)
                if after == before:
                    return answer
                if self._append(look, what, replace(after, version=before.version + 1), answer, blocks):
                    return answer
            time.sleep(random.uniform(0, _LONGEST_WAIT_S))
        raise Busy(
            f"other processes kept changing the privacy ledger of {self._dataset} for {_GIVE_UP_AFTER_S} s"
        )

    def _append(self, look: Look, what: What, after: Account, change: object, blocks: Iterable[int]) -> bool:
        """Announces, stores, records and settles one entry. Returns False if another process was first."""
        key = look.key or self._outer.make_key()
        outer = look.outer or outer_link.before_any(self._fresh())
        after = _with_head(key, what, after, change, outer.sequence + 1, outer.link)
        assert after.head is not None
        announced = outer_link.announce(outer, after.head, blocks)
        self._outer.write(outer_link.sealed(key, announced))
        stored = look.stored.account
        if not self._store.swap(after, stored.version if stored else None):
            return False
        self._finish(key, announced, after)
        return True

    def _settled(self, look: Look) -> Look:
        """Finishes the entry that another process announced and stored before it died."""
        account, outer = look.stored.account, look.outer
        if look.condition.pending is None or look.key is None or outer is None or account is None:
            return look
        return look._replace(outer=self._finish(look.key, outer, account))

    def _finish(self, key: bytes, outer: OuterLink, account: Account) -> OuterLink:
        assert account.head is not None
        self._store.record(account.head)
        settled = outer_link.settle(outer, account)
        self._outer.write(outer_link.sealed(key, settled))
        return settled

    def _restart(
        self, what: What, outer: OuterLink, after: Account, deed: Acceptance, stored: Stored
    ) -> None:
        """Begins the chain anew with a person's decision, above every number that was ever used."""
        key = self._outer.make_key()
        head = stored.account.head if stored.account else None
        found = [head.sequence if head else 0, *(entry.sequence for entry in stored.entries)]
        # Numbers that no ledger reaches were planted, and could not be counted on from.
        used = [outer.newest, *(number for number in found if number <= _HIGHEST)]
        version = max(after.version, outer.newest) + 1
        after = _with_head(key, what, replace(after, version=version), deed, max(used) + 1, outer.link)
        assert after.head is not None
        announced = outer_link.announce(outer, after.head, [block.start_ms for block in after.blocks])
        self._outer.write(outer_link.sealed(key, announced))
        self._store.overwrite(after)
        self._finish(key, announced, after)

    def _quiet_look(self) -> Look:
        """Returns a look during which no change was finished or announced, without the lock if possible."""
        for _ in range(_LOOKS):
            before = self._outer.read()
            look = self._look()
            if self._outer.read() == before:
                return look
        with self._outer.locked(_GIVE_UP_AFTER_S):
            return self._look()

    def _look(self) -> Look:
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


def _with_head(
    key: bytes, what: What, after: Account, change: object, sequence: int, previous: str
) -> Account:
    after = replace(after, head=None)
    entry = Entry(
        dataset=after.dataset,
        sequence=sequence,
        previous=previous,
        at=now(),
        what=what,
        change=msgspec.json.encode(change).decode(),
        state=chain.digest(after),
    )
    return replace(after, head=chain.signed(key, entry))


def _require_intact(look: Look) -> None:
    if not look.condition.intact:
        raise LedgerBroken(look.condition)


def now() -> str:
    """Returns the current time, ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
