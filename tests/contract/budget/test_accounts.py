"""The contract of every store of accounts: the stand-in, and the server of MONGO_URI."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pymongo import MongoClient

from ml.budget.account import Account, Block, Charge, OverBudget, Raise, Release, Request
from ml.budget.ledger import Accounts, Ledger
from ml.budget.memory import InMemoryAccounts
from ml.budget.mongo import RECORDS, MongoAccounts
from ml.budget.settings import BudgetSettings
from ml.privacy.privacy_loss import PureLoss
from ml.privacy.renyi import ORDERS
from streaming.settings import MongoSettings


@pytest.fixture(params=["remembered", "mongodb"])
def store(request: pytest.FixtureRequest) -> Accounts:
    if request.param == "remembered":
        return InMemoryAccounts()
    return MongoAccounts(request.getfixturevalue("mongo"))


NEW = Account("sessions", 7 * 86_400_000, epsilon=4.0, delta=1e-5, version=1)


def a_request(key: str) -> Request:
    costs = (PureLoss(0.5).curve(),)
    return Request(key, (0,), 1, True, until_ms=9, costs=costs, what="models", at="now")


def test_a_new_store_has_no_account(store: Accounts) -> None:
    assert store.read("sessions") is None


def test_only_one_process_can_create_an_account(store: Accounts) -> None:
    assert store.swap(NEW, None)
    assert not store.swap(replace(NEW, epsilon=100.0), None)
    assert store.read("sessions") == NEW
    assert store.read("others") is None


def test_a_version_is_replaced_once(store: Accounts) -> None:
    store.swap(NEW, None)
    second = replace(NEW, version=2, blocks=(Block(0, 4.0, 1e-5),))
    assert store.swap(second, 1)
    assert not store.swap(replace(NEW, version=2, epsilon=100.0), 1)
    assert not store.swap(replace(NEW, version=8), 7)
    assert store.read("sessions") == second


def test_a_swap_of_a_missing_account_does_nothing(store: Accounts) -> None:
    assert not store.swap(replace(NEW, version=2), 1)
    assert store.read("sessions") is None


curves = st.tuples(*[st.floats(0, 1e6)] * len(ORDERS))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
moments = st.integers(0, 2**53)
releases = st.none() | st.builds(Release, texts, texts, texts)
keys = st.lists(moments, max_size=3).map(tuple)
charges = st.builds(Charge, texts, texts, keys, moments, curves, texts, st.booleans(), releases)
raises = st.builds(Raise, texts, texts, texts, st.floats(0, 100), st.floats(0, 1), st.none() | moments)
blocks = st.builds(Block, moments, st.floats(0, 100), st.floats(0, 1), curves, st.integers(0, 1000))


def tuples(of: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(of, max_size=3).map(tuple)


@given(account=st.builds(
    Account, st.just("sessions"), moments, st.floats(0, 100), st.floats(0, 1), st.integers(2, 2**40),
    tuples(blocks), curves, st.integers(0, 1000), tuples(charges), tuples(raises),
))  # fmt: skip
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_every_account_comes_back_as_it_was(store: Accounts, account: Account) -> None:
    before = store.read("sessions")
    version = before.version if before else None
    account = replace(account, version=(version or 0) + 1)
    assert store.swap(account, version)
    assert store.read("sessions") == account


def test_concurrent_charges_never_overspend(store: Accounts) -> None:
    ledger = Ledger(store, "sessions", BudgetSettings(epsilon=3.0, delta=1e-5))

    refusals: list[str] = []

    def pay(number: int) -> bool:
        try:
            ledger.charge(a_request(f"run {number % 12}"))  # each key is asked for twice
        except OverBudget as refused:
            refusals.append(str(refused))
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        paid = list(pool.map(pay, range(24)))
    assert all("does not allow this run" in refusal for refusal in refusals)
    account = ledger.account()
    assert account.charged == len(account.charges) == len({n % 12 for n in range(24) if paid[n]})
    assert 0 < account.charged < 12
    block = account.block(0)
    assert block.charges == account.charged
    assert block.epsilon_spent <= 3.0 < block.epsilon_after(PureLoss(0.5).curve())


def test_the_record_keeps_the_first_entry_of_an_id(mongo: MongoSettings) -> None:
    store = MongoAccounts(mongo)
    store.record("a", {"n": 1})
    store.record("a", {"n": 2})
    with MongoClient[dict[str, object]](mongo.uri.get_secret_value()) as client:
        assert list(client[mongo.database][RECORDS].find()) == [{"_id": "a", "n": 1}]
