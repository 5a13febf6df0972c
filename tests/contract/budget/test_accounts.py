"""The contract of every store of accounts: the stand-in, and the server of MONGO_URI."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pymongo import MongoClient

from ml.budget.account import Acceptance, Account, Block, Charge, OverBudget, Raise, Release, Request
from ml.budget.chain import Entry, digest
from ml.budget.ledger import Ledger
from ml.budget.memory import InMemoryAccounts
from ml.budget.mongo import ACCOUNTS, RECORDS, MongoAccounts
from ml.budget.outer_file import OuterFile, OuterFileInFolder
from ml.budget.port import Accounts, Unreadable
from ml.budget.settings import BudgetSettings
from ml.privacy.privacy_loss import PureLoss
from ml.privacy.renyi import ORDERS
from streaming.settings import MongoSettings


@pytest.fixture(params=["remembered", "mongodb"])
def store(request: pytest.FixtureRequest) -> Accounts:
    return a_store(request)


@pytest.fixture
def outer(store: Accounts, tmp_path: Path) -> OuterFile:
    """That of the stand-in, and a file for the server."""
    return store.outer if isinstance(store, InMemoryAccounts) else OuterFileInFolder(tmp_path, "sessions")


def a_store(request: pytest.FixtureRequest) -> Accounts:
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
entries = st.builds(Entry, texts, moments, texts, texts, st.just("set"), texts, texts, texts)
acceptances = st.builds(Acceptance, texts, texts, texts, texts, st.booleans())
blocks = st.builds(Block, moments, st.floats(0, 100), st.floats(0, 1), curves, st.integers(0, 1000))


def tuples(of: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(of, max_size=3).map(tuple)


@given(account=st.builds(
    Account, st.just("sessions"), moments, st.floats(0, 100), st.floats(0, 1), st.integers(2, 2**40),
    tuples(blocks), curves, st.integers(0, 1000), tuples(charges), tuples(raises), tuples(acceptances),
    moments, st.none() | entries,
))  # fmt: skip
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_every_account_comes_back_as_it_was(store: Accounts, account: Account) -> None:
    before = store.read("sessions")
    version = before.version if before else None
    account = replace(account, version=(version or 0) + 1)
    assert store.swap(account, version)
    found = store.read("sessions")
    assert found == account
    assert digest(found) == digest(account)


def test_concurrent_charges_never_overspend(store: Accounts, outer: OuterFile) -> None:
    ledger = Ledger(store, outer, "sessions", BudgetSettings(epsilon=3.0, delta=1e-5))

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


def test_each_number_has_the_entry_that_came_first(store: Accounts) -> None:
    first, second, other = an_entry(1), an_entry(2), an_entry(1, dataset="others")
    for entry in (second, first, other, replace(first, link="another")):
        store.record(entry)
    assert store.entries("sessions") == (first, second)
    assert store.entries("others") == (other,)
    assert store.entries("none") == ()


def test_what_is_stored_is_overwritten_whatever_it_is(store: Accounts) -> None:
    store.overwrite(NEW)
    store.overwrite(replace(NEW, version=7, epsilon=1.0))
    assert store.read("sessions") == replace(NEW, version=7, epsilon=1.0)


def test_what_vitrine_did_not_write_is_recognised(mongo: MongoSettings) -> None:
    store = MongoAccounts(mongo)
    with MongoClient[dict[str, object]](mongo.uri.get_secret_value()) as client:
        database = client[mongo.database]
        database[ACCOUNTS].insert_one({"_id": "sessions", "epsilon": "much"})
        database[RECORDS].insert_many([
            {"_id": "old", "key": "from before the chain"},
            {"_id": "x", "dataset": "sessions", "sequence": 1},
            {"_id": "y", "dataset": "sessions", "sequence": "first"},
        ])  # fmt: skip
    with pytest.raises(Unreadable):
        store.read("sessions")
    assert [(entry.sequence, entry.link) for entry in store.entries("sessions")] == [(1, "")]
    store.overwrite(NEW)
    assert store.read("sessions") == NEW


def an_entry(sequence: int, dataset: str = "sessions") -> Entry:
    return Entry(dataset, sequence, "before", "now", "charged", '{"cost":[0.1]}', "digest", "link")
