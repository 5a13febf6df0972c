"""The page 'Privacy budget', over the in-memory stand-in of the ledger's store."""

import pytest
from fastapi.testclient import TestClient

from ml.budget.account import Raise, Request
from ml.budget.ledger import Ledger
from ml.budget.memory import InMemoryAccounts
from ml.budget.settings import BudgetSettings
from ml.privacy import renyi

WEEK_MS = 7 * 86_400_000


@pytest.fixture
def ledger(accounts: InMemoryAccounts) -> Ledger:
    """The ledger that the page reads."""
    return Ledger(accounts, accounts.outer, "sessions", BudgetSettings(epsilon=4.0))


def pay(ledger: Ledger, key: str, blocks: tuple[int, ...], automatic: bool = False) -> None:
    costs = (renyi.gaussian(0.5), renyi.gaussian(1.0))
    ledger.charge(
        Request(key, blocks, len(blocks), True, 0, costs, "3 models", "2026-11-24T12:00:00+00:00", automatic)
    )


def test_an_unspent_budget_shows_what_will_appear(reader: TestClient, ledger: Ledger) -> None:
    text = reader.get("/budget").text
    assert "Nothing has been spent yet" in text
    assert "private_models" in text


def test_blocks_charges_and_changes_are_shown(reader: TestClient, ledger: Ledger) -> None:
    pay(ledger, "run-1.abc", (2_900 * WEEK_MS, 2_899 * WEEK_MS))
    pay(ledger, "run-2.def", (2_900 * WEEK_MS,), automatic=True)
    ledger.release("run-1.abc", "feedfacecafe0123", "attempt", "2026-11-24T12:30:00+00:00")
    ledger.set_budget(Raise("2026-11-24T13:00:00+00:00", "ann", "<b>more</b>", 5.0, 1e-5, None))
    text = reader.get("/budget").text
    block = ledger.account().block(2_900 * WEEK_MS)
    assert f"{block.epsilon_spent:.2f}" in text
    assert f"{block.epsilon - block.epsilon_spent:.2f}" in text
    assert text.index("run-2.def") < text.index("run-1.abc")
    assert "started by an extraction" in text
    assert "feedfacecafe" in text
    assert "nothing yet" in text
    assert text.count("<meter") == 2
    assert "&lt;b&gt;more" in text
    assert "<b>more" not in text


def test_without_mongodb_the_page_shows_what_to_do(reader: TestClient, accounts: InMemoryAccounts) -> None:
    accounts.unavailable = True
    answer = reader.get("/budget")
    assert answer.status_code == 503
    assert "./vitrine up mongodb" in answer.text


def test_a_ledger_that_lost_its_document_is_shown_on_both_pages(
    reader: TestClient, ledger: Ledger, accounts: InMemoryAccounts
) -> None:
    pay(ledger, "run-1.abc", (2_900 * WEEK_MS,))
    assert reader.get("/budget/condition").json() == {"ledger": "intact", "told": ""}
    accounts.by_dataset.clear()
    answer = reader.get("/budget/condition").json()
    assert answer["ledger"] == "shorter"
    assert "accept-restored" in answer["told"]
    text = reader.get("/budget").text
    assert "The privacy ledger is shorter" in text
    assert "Nothing has been spent" not in text
    ledger.accept_restored("ann", "<b>a restore</b>")
    text = reader.get("/budget").text
    assert "&lt;b&gt;a restore" in text
    assert "shorter: blocks charged since count as spent" in text
    accounts.unavailable = True
    assert reader.get("/budget/condition").status_code == 503
