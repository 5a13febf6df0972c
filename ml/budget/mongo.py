"""The privacy ledger's accounts in MongoDB, or in the embedded server: one document each, replaced as a whole
if its version has not changed, and one document for each entry of the chain.

Replaced, not updated: the embedded server's $set keeps only 15 digits of a number.
"""

from operator import itemgetter

import msgspec
from pymongo import WriteConcern
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from ml.budget.account import Account
from ml.budget.chain import Entry
from ml.budget.ledger import Ledger
from ml.budget.outer_file import OuterFileInFolder
from ml.budget.port import Unreadable
from ml.budget.settings import BudgetSettings
from streaming.settings import DataSettings, MongoSettings
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
        try:
            return None if found is None else msgspec.convert(found, Account)
        except msgspec.ValidationError as error:
            raise Unreadable(dataset) from error

    def swap(self, account: Account, seen: int | None) -> bool:
        document = msgspec.to_builtins(account)
        if seen is None:
            return self._insert(self._accounts, {"_id": account.dataset} | document)
        of_version = {"_id": account.dataset, "version": seen}
        # Returns the document that it replaced, None if this version is not stored.
        return available(self._accounts.find_one_and_replace, of_version, document) is not None

    def overwrite(self, account: Account) -> None:
        # No upsert: the embedded server would give the new document another id.
        document, its_id = msgspec.to_builtins(account), {"_id": account.dataset}
        if not self._insert(self._accounts, its_id | document):
            available(self._accounts.find_one_and_replace, its_id, document)

    def record(self, entry: Entry) -> None:
        document = msgspec.to_builtins(entry)
        self._insert(self._records, {"_id": f"{entry.dataset} entry {entry.sequence}"} | document)

    def entries(self, dataset: str) -> tuple[Entry, ...]:
        found = available(list, self._records.find({"dataset": dataset}))
        numbered = [one for one in found if isinstance(one.get("sequence"), int)]
        return tuple(_entry(dataset, one) for one in sorted(numbered, key=itemgetter("sequence")))

    def _insert(self, collection: Collection[Document], document: Document) -> bool:
        try:
            available(collection.insert_one, document)
        except StoreUnavailable as unavailable:
            if isinstance(unavailable.__cause__, DuplicateKeyError):
                return False
            raise
        return True


def _entry(dataset: str, document: Document) -> Entry:
    try:
        return msgspec.convert(document, Entry)
    except msgspec.ValidationError:
        return Entry(dataset, document["sequence"], "", "", "charged", "", "")


def stored_ledger() -> Ledger:
    """Returns the privacy ledger of the stored sessions, on the server of the settings."""
    settings = BudgetSettings()
    folder = settings.ledger_dir or DataSettings().layout.ledger
    key = settings.ledger_key.get_secret_value().encode() if settings.ledger_key else None
    outer = OuterFileInFolder(folder, DATASET, key)
    return Ledger(MongoAccounts(MongoSettings()), outer, DATASET, settings)
