"""The port of a store of accounts and their entries."""

from typing import Protocol

from ml.budget.account import Account
from ml.budget.chain import Entry


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
