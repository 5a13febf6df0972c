"""The privacy ledger of one data set: each change is one compare-and-set of one document."""

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
    """Where accounts are kept. Every method may raise StoreUnavailable; one that did may have done its
    work."""

    def read(self, dataset: str) -> Account | None:
        """The account as it is, None where there is none yet."""

    def swap(self, account: Account, seen: int | None) -> bool:
        """Puts `account` in the place of its version `seen` (None: of no account at all) in one atomic step;
        False, and nothing done, where another version stands there. True means safe from a crash."""

    def record(self, id_: str, entry: Entry) -> None:
        """Appends to the record for auditors, once for each id. No decision hangs on it."""


class Busy(Exception):
    """Others changed the account all the time; the same call may succeed later."""


class Ledger:
    """Charges, releases and budgets of `dataset`. Any number of processes may use it at once."""

    def __init__(self, store: Accounts, dataset: str, settings: BudgetSettings) -> None:
        self._store = store
        self._dataset = dataset
        self._settings = settings

    def account(self) -> Account:
        """As it is, or as it will begin."""
        return self._store.read(self._dataset) or Account(
            self._dataset,
            self._settings.block_days * DAY_MS,
            self._settings.epsilon,
            self._settings.delta,
        )

    def charge(self, request: Request) -> Charge:
        """Charges once for each key. Raises OverBudget; before it returns, no row may be read."""
        charge = self._change(lambda account: accounts.charge(account, request))
        self._record("charged", charge)
        return charge

    def charge_of(self, key: str) -> Charge:
        """The charge under `key`. Raises NotCharged."""
        if (charge := self.account().find(key)) is None:
            raise NotCharged(f"{key}: nothing was charged for it, so nothing may be read")
        return charge

    def release(self, key: str, digest: str, attempt: str, at: str) -> Charge:
        """Records that the charge released the artifact `digest` made by `attempt`. Returns what stands:
        another artifact where another attempt was first. Raises NotCharged."""
        charge = self._change(lambda account: accounts.release(account, key, Release(digest, attempt, at)))
        self._record("released", charge)
        return charge

    def set_budget(self, change: Raise) -> Account:
        """Sets a budget and notes who did it, when and why."""
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
        raise Busy(f"the privacy ledger of {self._dataset} changed all the time for {_GIVE_UP_AFTER_S} s")

    def _record(self, what: str, charge: Charge) -> None:
        self._store.record(f"{self._dataset} {what} {charge.key}", _plain(charge))


def _plain(entry: Charge | Raise) -> Entry:
    return dict(to_builtins(entry))


def now() -> str:
    """ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
