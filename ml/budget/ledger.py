"""The privacy ledger of one data set: every change is one compare-and-set of one document, and one entry of a
chain whose newest link is also kept outside the store."""

import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from msgspec.structs import replace

from ml.budget import acceptance, outer_link
from ml.budget import account as accounts
from ml.budget.account import Acceptance, Account, Charge, NotCharged, Raise, Release, Request
from ml.budget.chain import What
from ml.budget.chained_account import GIVE_UP_AFTER_S, ChainedAccount
from ml.budget.condition import Condition, is_genuine
from ml.budget.outer_file import Busy, OuterFile
from ml.budget.port import Accounts
from ml.budget.settings import BudgetSettings
from streaming.contract.time_units import DAY_MS

T = TypeVar("T")

_LONGEST_WAIT_S = 0.05


class Ledger:
    """Charges, releases and budgets of `dataset`. Any number of processes may use it concurrently.

    Guarantee: all runs together cost a unit of a block at most the block's (epsilon, delta), also if MongoDB
    is cut, replaced or restored, or processes die, at any time. Unit: one user's sessions of one block.
    Neighbouring data sets differ in one unit, added or removed. Assumptions: each run's cost is what it is
    charged for; nobody but the operator can write to the folder of the outer link or knows the key; and that
    folder is never set back to an earlier state. Who can do that can rewind the ledger.
    """

    def __init__(self, store: Accounts, outer: OuterFile, dataset: str, settings: BudgetSettings) -> None:
        self._chained = ChainedAccount(store, outer, dataset)
        self._outer = outer
        self._dataset = dataset
        self._settings = settings

    def condition(self) -> Condition:
        """Returns whether the ledger is intact."""
        return self._chained.quiet_look().condition

    def account(self) -> Account:
        """Returns the stored account, or a new one with the budget of the settings. Raises LedgerBroken."""
        look = self._chained.quiet_look()
        look.require_intact()
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
        with self._outer.locked(GIVE_UP_AFTER_S):
            look = self._chained.look()
            account = look.stored.account
            if not look.condition.unchained or account is None:
                raise ValueError(
                    f"this ledger is not one from before the chain: it is {look.condition.state}. "
                    "./vitrine budget says what to do"
                )
            deed = Acceptance(now(), who, why, "adopted as it was", complete=True)
            after = acceptance.adopted(account, deed)
            self._chained.restart("adopted", outer_link.before_any(after), after, deed, look.stored)
        return self.account()

    def accept_restored(self, who: str, why: str) -> Account:
        """Goes on with a ledger of which something was lost, and counts as spent what may have been. Raises
        ValueError if the ledger is intact or from before the chain."""
        with self._outer.locked(GIVE_UP_AFTER_S):
            look = self._chained.look()
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
            self._chained.restart("restored", outer, after, deed, stored)
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
        deadline_s = time.monotonic() + GIVE_UP_AFTER_S
        while (left_s := deadline_s - time.monotonic()) > 0:
            with self._outer.locked(left_s):
                look = self._chained.look()
                look.require_intact()
                look = self._chained.settled(look)
                before = look.stored.account or self._fresh()
                after, answer, blocks = step(before)
                if after == before:
                    return answer
                after = replace(after, version=before.version + 1)
                if self._chained.append(look, before, after, what, answer, blocks, now()):
                    return answer
            time.sleep(random.uniform(0, _LONGEST_WAIT_S))
        raise Busy(
            f"other processes kept changing the privacy ledger of {self._dataset} for {GIVE_UP_AFTER_S} s"
        )


def now() -> str:
    """Returns the current time, ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
