"""Accounts in memory, for unit tests."""

from ml.budget.account import Account
from ml.budget.ledger import Entry
from streaming.stores import StoreUnavailable


class InMemoryAccounts:
    """While `unavailable` is true, every call raises StoreUnavailable."""

    def __init__(self) -> None:
        self.by_dataset: dict[str, Account] = {}
        self.records: dict[str, Entry] = {}
        self.unavailable = False

    def _require_available(self) -> None:
        if self.unavailable:
            raise StoreUnavailable("the store is unavailable")

    def read(self, dataset: str) -> Account | None:
        self._require_available()
        return self.by_dataset.get(dataset)

    def swap(self, account: Account, seen: int | None) -> bool:
        self._require_available()
        stored = self.by_dataset.get(account.dataset)
        if (stored.version if stored else None) != seen:
            return False
        self.by_dataset[account.dataset] = account
        return True

    def record(self, id_: str, entry: Entry) -> None:
        self._require_available()
        self.records.setdefault(id_, entry)
