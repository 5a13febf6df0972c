"""Accounts that are only remembered, for unit tests."""

from ml.budget.account import Account
from ml.budget.ledger import Entry
from streaming.stores import StoreUnavailable


class InMemoryAccounts:
    """Set `away` to have every call answered by StoreUnavailable."""

    def __init__(self) -> None:
        self.by_dataset: dict[str, Account] = {}
        self.records: dict[str, Entry] = {}
        self.away = False

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the store is away")

    def read(self, dataset: str) -> Account | None:
        self._answer()
        return self.by_dataset.get(dataset)

    def swap(self, account: Account, seen: int | None) -> bool:
        self._answer()
        stored = self.by_dataset.get(account.dataset)
        if (stored.version if stored else None) != seen:
            return False
        self.by_dataset[account.dataset] = account
        return True

    def record(self, id_: str, entry: Entry) -> None:
        self._answer()
        self.records.setdefault(id_, entry)
