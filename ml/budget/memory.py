"""Accounts and their outer link in memory, for unit tests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ml.budget.account import Account
from ml.budget.chain import Entry
from streaming.stores import StoreUnavailable


class InMemoryOuterFile:
    """An outer link that lives as long as this object."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.generated: bytes | None = None
        self._lock = threading.Lock()

    @contextmanager
    def locked(self, for_s: float) -> Iterator[None]:
        with self._lock:
            yield

    def read(self) -> bytes | None:
        return self.content

    def write(self, content: bytes) -> None:
        self.content = content

    def key(self) -> bytes | None:
        return self.generated

    def make_key(self) -> bytes:
        self.generated = self.generated or b"key of the tests"
        return self.generated


class InMemoryAccounts:
    """While `unavailable` is true, every call raises StoreUnavailable."""

    def __init__(self) -> None:
        self.by_dataset: dict[str, Account] = {}
        self.records: dict[tuple[str, int], Entry] = {}
        self.outer = InMemoryOuterFile()
        """The outer link of one data set in this store."""
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

    def overwrite(self, account: Account) -> None:
        self._require_available()
        self.by_dataset[account.dataset] = account

    def record(self, entry: Entry) -> None:
        self._require_available()
        self.records.setdefault((entry.dataset, entry.sequence), entry)

    def entries(self, dataset: str) -> tuple[Entry, ...]:
        self._require_available()
        return tuple(entry for (of, _), entry in sorted(self.records.items()) if of == dataset)
