"""What the settings name."""

from ml.adapters.accounts_mongo import MongoAccounts
from ml.adapters.register_mongo import MongoRegister
from ml.budget.ledger import Ledger
from ml.budget.settings import BudgetSettings
from streaming.settings import MongoSettings

DATASET = "sessions"


def ledger() -> Ledger:
    """Of the stored sessions."""
    return Ledger(MongoAccounts(MongoSettings()), DATASET, BudgetSettings())


def register() -> MongoRegister:
    """Of the trained models."""
    return MongoRegister(MongoSettings())
