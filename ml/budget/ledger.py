"""The privacy ledger of one data set: every change is one compare-and-set of one document."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from msgspec import to_builtins
from msgspec.structs import replace

from ml.budget import account as accounts
from ml.budget.account import Account, Charge, NotCharged, Raise, Release, Request
from ml.budget.settings import BudgetSettings
from streaming.contract.time_units import DAY_MS

T = TypeVar("T")
Entry = dict[str, Any]

_GIVE_UP_AFTER_S = 120
_LONGEST_WAIT_S = 0.05


class Accounts(Protocol):
    """A store of accounts. Every method may raise StoreUnavailable, even after it has taken effect."""

    def read(self, dataset: str) -> Account | None:
        """Returns the stored account, None if there is none yet."""

    def swap(self, account: Account, seen: int | None) -> bool:
        """Replaces version `seen` of the account (None: no account) by `account` in one atomic step. Returns
        False, and changes nothing, if another version is stored. After True a crash cannot lose the
        change."""

    def record(self, id_: str, entry: Entry) -> None:
        """Appends to the record for auditors, once for each id. No decision reads it."""


class Busy(Exception):
    """Other processes kept changing the account; the same call may succeed later."""


class Ledger:
    """Charges, releases and budgets of `dataset`. Any number of processes may use it concurrently."""

    def __init__(self, store: Accounts, dataset: str, settings: BudgetSettings) -> None:
        self._store = store
        self._dataset = dataset
        self._settings = settings

    def account(self) -> Account:
        """Returns the stored account, or a new one with the budget of the settings."""
        return self._store.read(self._dataset) or Account(
            self._dataset,
            self._settings.block_days * DAY_MS,
            self._settings.epsilon,
            self._settings.delta,
        )

    def charge(self, request: Request) -> Charge:
        """Charges `request`, once for each key. Raises OverBudget. No row may be read before it returns."""
        charge = self._change(lambda account: accounts.charge(account, request))
        self._record("charged", charge)
        return charge

    def charge_of(self, key: str) -> Charge:
        """Returns the charge with this key. Raises NotCharged."""
        if (charge := self.account().find(key)) is None:
            raise NotCharged(f"{key}: nothing was charged for it, so nothing may be read")
        return charge

    def release(self, key: str, digest: str, attempt: str, at: str) -> Charge:
        """Records that the charge released the artifact `digest` made by `attempt`. Returns the charge with
        its release, which is another artifact if another attempt was first. Raises NotCharged."""
        charge = self._change(lambda account: accounts.release(account, key, Release(digest, attempt, at)))
        self._record("released", charge)
        return charge

    def set_budget(self, change: Raise) -> Account:
        """Sets a budget and records who did it, when and why."""
        account = self._change(lambda account: (accounts.set_budget(account, change),) * 2)
        self._store.record(f"{self._dataset} set {change.at} {change.who}", _plain(change))
        return account

    def _change(self, step: Callable[[Account], tuple[Account, T]]) -> T:
        deadline_s = time.monotonic() + _GIVE_UP_AFTER_S
        while time.monotonic() < deadline_s:
            stored = self._store.read(self._dataset)
            before = stored or self.account()
            after, answer = step(before)
            if after == before:
                return answer
            after = replace(after, version=before.version + 1)
            if self._store.swap(after, stored.version if stored else None):
                return answer
            time.sleep(random.uniform(0, _LONGEST_WAIT_S))
        raise Busy(
            f"other processes kept changing the privacy ledger of {self._dataset} for {_GIVE_UP_AFTER_S} s"
        )

    def _record(self, what: str, charge: Charge) -> None:
        self._store.record(f"{self._dataset} {what} {charge.key}", _plain(charge))


def _plain(entry: Charge | Raise) -> Entry:
    return dict(to_builtins(entry))


def now() -> str:
    """Returns the current time, ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
