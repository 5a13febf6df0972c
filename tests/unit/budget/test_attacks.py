"""What was done to the ledger's documents is seen: `./vitrine budget --json` exits 1, names it, and says what
to do; nothing is charged until a person goes on, and then nothing that was spent comes back."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ml.budget import chain, command
from ml.budget.account import Account, NotCharged, OverBudget, Raise, Release, Request
from ml.budget.arguments import add_arguments
from ml.budget.condition import LedgerBroken
from ml.budget.ledger import Ledger
from ml.budget.memory import InMemoryAccounts
from ml.budget.outer_file import KEY, OuterFileInFolder
from ml.budget.settings import BudgetSettings
from ml.privacy import renyi
from streaming.access_record.file import stored_record

WEEK_MS = 7 * 86_400_000
FIRST, SECOND, THIRD = (2_900 * WEEK_MS, 2_901 * WEEK_MS, 2_902 * WEEK_MS)
SETTINGS = BudgetSettings(epsilon=4.0)


class Place:
    """A ledger with three charges, the newest of which concerns the second block alone."""

    def __init__(self, folder: Path) -> None:
        self.store = InMemoryAccounts()
        self.folder = folder / "ledger"
        self.ledger = Ledger(self.store, OuterFileInFolder(self.folder, "sessions"), "sessions", SETTINGS)
        self.charge("one", FIRST)
        self.charge("two", SECOND)
        self.old = dict(self.store.by_dataset), dict(self.store.records)
        self.charge("three", SECOND)

    def charge(self, key: str, block: int) -> None:
        self.ledger.charge(Request(key, (block,), 1, True, 0, (renyi.gaussian(0.3),), "a model", "now"))

    @property
    def account(self) -> Account:
        return self.store.by_dataset["sessions"]

    @account.setter
    def account(self, account: Account) -> None:
        self.store.by_dataset["sessions"] = account


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    made = Place(tmp_path)
    monkeypatch.setattr(command, "stored_ledger", lambda: made.ledger)
    return made


def ask(*words: str) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_arguments(parser)
    return command.run(parser.parse_args(words))


def delete_the_document(place: Place) -> None:
    place.store.by_dataset.clear()


def delete_the_newest_entry(place: Place) -> None:
    del place.store.records["sessions", 3]


def delete_an_entry_between(place: Place) -> None:
    del place.store.records["sessions", 2]


def drop_the_entries(place: Place) -> None:
    place.store.records.clear()


def drop_the_database(place: Place) -> None:
    place.store.by_dataset.clear()
    place.store.records.clear()


def restore_a_backup(place: Place) -> None:
    place.store.by_dataset, place.store.records = map(dict, place.old)  # type: ignore[arg-type]


def restore_the_document(place: Place) -> None:
    place.store.by_dataset = dict(place.old[0])


def put_a_document_from_before_the_chain(place: Place) -> None:
    place.account = replace(place.account, head=None)


def lower_what_was_spent(place: Place) -> None:
    place.account = replace(place.account, blocks=())


def raise_the_budget(place: Place) -> None:
    place.account = replace(place.account, epsilon=1e9)


def sign_with_another_key(place: Place) -> None:
    cheap = replace(place.account, blocks=(), head=None)
    assert place.account.head is not None
    entry = replace(place.account.head, state=chain.digest(cheap))
    place.account = replace(cheap, head=chain.signed(b"another key", entry))
    place.store.records["sessions", 3] = chain.signed(b"another key", entry)


def change_an_entry(place: Place) -> None:
    entry = place.store.records["sessions", 2]
    place.store.records["sessions", 2] = replace(entry, change="{}")


def swap_two_entries(place: Place) -> None:
    records = place.store.records
    records["sessions", 1], records["sessions", 2] = (
        replace(records["sessions", 2], sequence=1),
        replace(records["sessions", 1], sequence=2),
    )


def plant_an_impossible_document(place: Place) -> None:
    head = place.account.head
    assert head is not None
    place.account = replace(
        place.account, version=2**63 - 1, charged=2**63 - 1, head=replace(head, sequence=2**63 - 1)
    )
    place.store.records["sessions", 2**63 - 1] = replace(head, sequence=2**63 - 1)


def change_the_outer_link(place: Place) -> None:
    file = place.folder / "sessions.json"
    file.write_bytes(file.read_bytes().replace(b'"sequence": 3', b'"sequence": 2', 1))


def change_the_key(place: Place) -> None:
    (place.folder / KEY).write_bytes(b"another key")


def delete_the_outer_link(place: Place) -> None:
    (place.folder / "sessions.json").unlink()


def delete_the_key(place: Place) -> None:
    (place.folder / KEY).unlink()


SHORTER = [
    delete_the_document, delete_the_newest_entry, delete_an_entry_between, drop_the_entries,
    drop_the_database, restore_a_backup, restore_the_document, put_a_document_from_before_the_chain,
]  # fmt: skip
FORGED = [
    lower_what_was_spent, raise_the_budget, sign_with_another_key, plant_an_impossible_document,
    change_an_entry, swap_two_entries, change_the_outer_link, change_the_key,
]  # fmt: skip
UNANCHORED = [delete_the_outer_link, delete_the_key]
ATTACKS = [
    *((attack, "shorter") for attack in SHORTER),
    *((attack, "forged") for attack in FORGED),
    *((attack, "unanchored") for attack in UNANCHORED),
]


@pytest.mark.parametrize(("attack", "state"), ATTACKS, ids=lambda value: getattr(value, "__name__", value))
def test_nothing_is_charged_until_a_person_goes_on_and_nothing_comes_back(
    place: Place, capsys: pytest.CaptureFixture[str], attack: Callable[[Place], None], state: str
) -> None:
    spent = {start: place.account.block(start).epsilon_spent for start in (FIRST, SECOND)}
    attack(place)

    assert ask("--json") == 1
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["ledger"] == state
    assert "accept-restored" in told["remedy"]
    assert ask() == 1
    assert told["why"] in capsys.readouterr().err
    for call in (
        lambda: place.charge("four", THIRD),
        lambda: place.ledger.charge_of("one"),
        lambda: place.ledger.release("one", "digest", "attempt", "now"),
        lambda: place.ledger.set_budget(Raise("now", "who", "why", 99.0, 1e-5, None)),
        place.ledger.account,
    ):
        with pytest.raises(LedgerBroken, match="accept-restored"):
            call()

    assert ask("accept-restored", "--why", "the disk broke", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ledger"] == "intact"
    assert found["acceptances"][0]["why"] == "the disk broke"
    account = place.ledger.account()
    for start, was in spent.items():
        assert account.block(start).epsilon_spent >= was
    assert account.epsilon == 4.0
    place.charge("four", 2 * THIRD)
    assert ask("--json") == 0
    assert place.account.version < 2**50
    assert place.account.charged < 2**50
    assert place.account.head is not None
    assert place.account.head.sequence < 2**50
    newest = [entry.what for entry in place.store.entries("sessions") if entry.sequence < 2**50][-2:]
    assert newest == ["restored", "charged"]


def test_what_is_planted_above_the_newest_entry_means_nothing(place: Place) -> None:
    entry = place.store.records["sessions", 3]
    place.store.records["sessions", 7] = replace(entry, sequence=7)
    place.charge("four", FIRST)
    assert place.ledger.condition().state == "intact"


@pytest.mark.parametrize("attack", [restore_a_backup, restore_the_document], ids=lambda one: one.__name__)
def test_a_restore_spends_the_blocks_touched_since_and_no_other(
    place: Place, attack: Callable[[Place], None]
) -> None:
    attack(place)
    place.ledger.accept_restored("ann", "a restore")
    account = place.ledger.account()
    assert account.block(FIRST).epsilon_spent < 4.0
    place.charge("four", FIRST)
    assert account.block(SECOND).epsilon_spent >= 4.0
    with pytest.raises(OverBudget):
        place.charge("five", SECOND)
    assert account.charged == 3
    assert not account.lifetime_incomplete


def test_lost_entries_of_an_intact_document_cost_nothing(place: Place) -> None:
    drop_the_entries(place)
    before = place.account
    place.ledger.accept_restored("ann", "a restore")
    assert place.ledger.account().blocks == before.blocks
    assert place.ledger.account().charges == before.charges


def test_a_release_that_a_restore_forgot_is_not_made_again(place: Place) -> None:
    place.ledger.release("one", "digest", "attempt", "now")
    restore_a_backup(place)
    place.ledger.accept_restored("ann", "a restore")
    charge = place.ledger.release("one", "another", "attempt 2", "later")
    assert charge.release is not None
    assert charge.release.digest == "lost"
    assert place.ledger.account().block(FIRST).epsilon_spent >= 4.0  # the release concerned it
    with pytest.raises(NotCharged):
        place.ledger.charge_of("three")


def test_a_budget_that_a_restore_forgot_stays_lowered(place: Place) -> None:
    place.ledger.set_budget(Raise("now", "ann", "stricter", 1.0, 1e-6, None))
    restore_a_backup(place)
    place.ledger.accept_restored("ann", "a restore")
    assert (place.ledger.account().epsilon, place.ledger.account().delta) == (1.0, 1e-6)


@pytest.mark.parametrize("attack", UNANCHORED, ids=lambda one: one.__name__)
def test_without_the_outer_link_all_blocks_until_now_are_spent(
    place: Place, attack: Callable[[Place], None], capsys: pytest.CaptureFixture[str]
) -> None:
    attack(place)
    place.ledger.accept_restored("ann", "a lost disk")
    account = place.ledger.account()
    assert account.lifetime_incomplete
    for block in (0, FIRST, SECOND, account.closed_before_ms - WEEK_MS):
        with pytest.raises(OverBudget, match="cannot be raised"):
            place.charge("four", block)
    place.charge("five", account.closed_before_ms)
    assert ask("set", "--epsilon", "99", "--block", "2025-08-01", "--why", "more") == 2
    assert "was lost" in capsys.readouterr().err


def test_a_new_installation_is_new(tmp_path: Path) -> None:
    outer = OuterFileInFolder(tmp_path / "ledger", "sessions")
    ledger = Ledger(InMemoryAccounts(), outer, "sessions", SETTINGS)
    assert ledger.condition().state == "new"
    assert ledger.account().blocks == ()


def test_a_planted_document_is_not_taken_for_a_new_installation(tmp_path: Path) -> None:
    store = InMemoryAccounts()
    store.swap(Account("sessions", WEEK_MS, 1e9, 1e-5, version=1), None)
    ledger = Ledger(store, OuterFileInFolder(tmp_path, "sessions"), "sessions", SETTINGS)
    with pytest.raises(LedgerBroken, match="adopt"):
        ledger.charge(Request("one", (FIRST,), 1, True, 0, (renyi.gaussian(0.3),), "a model", "now"))


class FromBefore:
    """A ledger that an earlier version made."""

    def __init__(self, folder: Path) -> None:
        self.made = Place(folder / "elsewhere")
        self.store = InMemoryAccounts()
        self.store.swap(replace(self.made.account, head=None), None)
        self.folder = folder / "ledger"
        self.ledger = Ledger(self.store, OuterFileInFolder(self.folder, "sessions"), "sessions", SETTINGS)


def test_a_ledger_from_before_the_chain_is_adopted_as_it_is(tmp_path: Path) -> None:
    old = FromBefore(tmp_path)
    assert (old.ledger.condition().state, old.ledger.condition().unchained) == ("unanchored", True)
    with pytest.raises(ValueError, match="adopt"):
        old.ledger.accept_restored("ann", "why")
    account = old.ledger.adopt("ann", "an update")
    assert account.blocks == old.made.account.blocks
    assert account.charges == old.made.account.charges
    assert [deed.what for deed in account.acceptances] == ["adopted as it was"]
    assert [entry.what for entry in old.store.entries("sessions")] == ["adopted"]
    old.store.by_dataset.clear()
    assert old.ledger.condition().state == "shorter"


@pytest.mark.parametrize("gone", [("sessions.json",), ("sessions.json", "key"), ()], ids=str)
def test_a_ledger_is_adopted_once(tmp_path: Path, gone: tuple[str, ...]) -> None:
    """An attacker puts the old document back, or even takes the outer link away: but the entry of the
    adoption is still there."""
    old = FromBefore(tmp_path)
    before = old.store.by_dataset["sessions"]
    old.ledger.adopt("ann", "an update")
    old.store.by_dataset["sessions"] = before
    for name in gone:
        (old.folder / name).unlink()
    assert not old.ledger.condition().unchained
    with pytest.raises(ValueError, match="not one from before"):
        old.ledger.adopt("eve", "again")


def test_an_intact_ledger_is_neither_adopted_nor_accepted(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    before = place.account
    for action in ("adopt", "accept-restored"):
        assert ask(action, "--why", "for fun") == 2
        assert ask(action) == 2
        assert "--why" in capsys.readouterr().err
    assert place.account == before
    assert [entry.did for entry in stored_record().newest(2)] == ["budget change refused", "budget change"]


def test_link_and_key_are_their_owners_alone(place: Place) -> None:
    assert place.folder.stat().st_mode & 0o077 == 0
    for file in place.folder.iterdir():
        assert file.stat().st_mode & 0o077 == 0
    assert (place.folder / KEY).read_bytes() not in (place.folder / "sessions.json").read_bytes()


def test_a_release_is_part_of_the_chain(place: Place) -> None:
    place.ledger.release("one", "digest", "attempt", "now")
    charges = tuple(
        replace(one, release=Release("another", "attempt", "now")) for one in place.account.charges
    )
    place.account = replace(place.account, charges=charges)
    assert place.ledger.condition().state == "forged"
