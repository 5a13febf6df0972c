"""The privacy ledger's accounts in MongoDB, or in the embedded server: one document each, replaced as a whole
if its version has not changed.

Replaced, not updated: the embedded server's $set keeps only 15 digits of a number.
"""

import msgspec
from pymongo import WriteConcern
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from ml.budget.account import Account
from ml.budget.ledger import Entry, Ledger
from ml.budget.settings import BudgetSettings
from streaming.settings import MongoSettings
from streaming.sinks.mongo.sessions import available, client
from streaming.stores import Document, StoreUnavailable

DATASET = "sessions"
ACCOUNTS, RECORDS = "privacy_budget", "privacy_record"


class MongoAccounts:
    """The collections `privacy_budget` and `privacy_record`, as Accounts."""

    def __init__(self, settings: MongoSettings) -> None:
        database = client(settings)[settings.database]
        safe = WriteConcern(w="majority", j=True)
        self._accounts: Collection[Document] = database.get_collection(ACCOUNTS, write_concern=safe)
        self._records: Collection[Document] = database.get_collection(RECORDS, write_concern=safe)

    def read(self, dataset: str) -> Account | None:
        found = available(self._accounts.find_one, {"_id": dataset})
        return None if found is None else msgspec.convert(found, Account)

    def swap(self, account: Account, seen: int | None) -> bool:
        document = msgspec.to_builtins(account)
        if seen is None:
            return self._insert(self._accounts, {"_id": account.dataset} | document)
        of_version = {"_id": account.dataset, "version": seen}
        # Returns the document that it replaced, None if this version is not stored.
        return available(self._accounts.find_one_and_replace, of_version, document) is not None

    def record(self, id_: str, entry: Entry) -> None:
        self._insert(self._records, {"_id": id_} | entry)

    def _insert(self, collection: Collection[Document], document: Document) -> bool:
        try:
            available(collection.insert_one, document)
        except StoreUnavailable as unavailable:
            if isinstance(unavailable.__cause__, DuplicateKeyError):
                return False
            raise
        return True


def stored_ledger() -> Ledger:
    """Returns the privacy ledger of the stored sessions, on the server of the settings."""
    return Ledger(MongoAccounts(MongoSettings()), DATASET, BudgetSettings())
