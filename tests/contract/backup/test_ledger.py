"""No restore of a backup makes spent privacy budget available again (decision 59)."""

import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pymongo.database import Database

from ml.budget.account import OverBudget, Request
from ml.budget.ledger import Ledger, now
from ml.budget.mongo import ACCOUNTS, DATASET, RECORDS, MongoAccounts
from ml.budget.outer_file import OuterFileInFolder
from ml.budget.settings import BudgetSettings
from ml.privacy import renyi
from stack.backup.ledger_part import LedgerPart
from stack.backup.mongo_part import MongoPart
from streaming.contract.time_units import DAY_MS
from streaming.data_folder import atomic_file
from streaming.settings import MongoSettings
from streaming.sinks.mongo.sessions import available, client
from streaming.stores import Document

WEEK_MS = 7 * DAY_MS
SETTINGS = BudgetSettings()


@dataclass
class Machine:
    """The ledger on a real server, with the folder of its outer link."""

    mongo: MongoSettings
    folder: Path
    recorded: list[str] = field(default_factory=list)

    @property
    def database(self) -> Database[Document]:
        return client(self.mongo)[self.mongo.database]

    @property
    def ledger(self) -> Ledger:
        outer = OuterFileInFolder(self.folder, DATASET)
        return Ledger(MongoAccounts(self.mongo), outer, DATASET, SETTINGS)

    @property
    def part(self) -> LedgerPart:
        collections = MongoPart("ledger", self.database, lambda name: name in (ACCOUNTS, RECORDS))
        return LedgerPart(
            "ledger", collections, self.folder, None, self.ledger, "an operator", self.recorded.append
        )

    def charge(self, key: str, *weeks: int) -> None:
        blocks = tuple(week * WEEK_MS for week in weeks)
        request = Request(key, blocks, 1, True, 1, (renyi.gaussian(0.2),), "a model", now())
        self.ledger.charge(request)

    def spent(self, week: int) -> bool:
        """True if not even a small charge fits."""
        try:
            self.charge(f"try {week}", week)
        except OverBudget:
            return True
        return False

    def save(self) -> io.BytesIO:
        out = io.BytesIO()
        assert self.part.save(out, print) == []
        return io.BytesIO(out.getvalue())

    def lose_mongodb(self) -> None:
        self.database[ACCOUNTS].drop()
        self.database[RECORDS].drop()

    def lose_folder(self) -> None:
        shutil.rmtree(self.folder)


@pytest.fixture
def machine(mongo: MongoSettings, tmp_path: Path) -> Machine:
    return Machine(mongo, tmp_path / "ledger")


def test_an_intact_ledger_is_newer_than_a_backup_and_stays(machine: Machine) -> None:
    machine.charge("a", 1)
    saved = machine.save()
    machine.charge("b", 1)
    before = machine.ledger.account()
    assert "left as it is" in machine.part.restore(saved, print)
    assert machine.ledger.account() == before
    assert machine.recorded == []


def test_where_only_mongodb_is_lost_what_was_charged_since_is_spent(machine: Machine) -> None:
    machine.charge("a", 1, 2)
    saved = machine.save()
    machine.charge("b", 2)
    machine.lose_mongodb()
    assert "charged since the backup" in machine.part.restore(saved, print)
    assert machine.ledger.condition().state == "intact"
    assert machine.spent(2)
    assert not machine.spent(1)
    assert [one.who for one in machine.ledger.account().acceptances] == ["an operator"]
    assert machine.recorded == ["accept-restored of the privacy ledger (shorter)"]


def test_where_nothing_was_charged_since_nothing_is_spent(machine: Machine) -> None:
    machine.charge("a", 1)
    saved, before = machine.save(), machine.ledger.account()
    machine.lose_mongodb()
    assert machine.part.restore(saved, print) == "intact"
    assert machine.ledger.account() == before


def test_where_the_outer_link_is_lost_all_blocks_until_now_are_spent(machine: Machine) -> None:
    machine.charge("a", 1)
    saved = machine.save()
    machine.charge("b", 2)
    machine.lose_mongodb()
    machine.lose_folder()
    assert "all blocks until now" in machine.part.restore(saved, print)
    assert machine.ledger.condition().state == "intact"
    assert all(machine.spent(week) for week in (1, 2, 3))
    assert [one.key for one in machine.ledger.account().charges] == ["a"]


def test_a_ledger_that_was_begun_since_does_not_hide_what_was_spent_before(machine: Machine) -> None:
    for key in ("a", "b"):
        machine.charge(key, 1)
    saved = machine.save()
    machine.lose_mongodb()
    machine.lose_folder()
    machine.charge("c", 7)  # a new ledger, which is intact
    assert "all blocks until now" in machine.part.restore(saved, print)
    assert all(machine.spent(week) for week in (1, 2, 7))


def test_a_backup_without_charges_takes_none_away(machine: Machine) -> None:
    saved = machine.save()
    machine.charge("a", 1)
    before = machine.ledger.account()
    assert machine.part.restore(saved, print) == "intact"
    assert machine.ledger.account() == before
    machine.lose_mongodb()
    saved.seek(0)
    assert "charged since the backup" in machine.part.restore(saved, print)
    assert machine.spent(1)


def lose_all(machine: Machine) -> None:
    machine.lose_mongodb()
    machine.lose_folder()


@pytest.mark.parametrize("lose", [Machine.lose_mongodb, lose_all])
@pytest.mark.parametrize("dies_at", range(1, 7))
def test_a_restore_that_was_killed_gives_nothing_back_and_can_be_made_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, lose: Callable[[Machine], None], dies_at: int
) -> None:
    machine.charge("a", 1)
    saved = machine.save()
    machine.charge("b", 1)
    lose(machine)
    steps = iter(range(1, 100))

    def dying(real: Callable[..., object]) -> Callable[..., object]:
        def step(*given: object, **named: object) -> object:
            if next(steps) == dies_at:
                raise KeyboardInterrupt
            return real(*given, **named)

        return step

    monkeypatch.setattr("stack.backup.mongo_part.available", dying(available))
    monkeypatch.setattr(atomic_file, "write", dying(atomic_file.write))
    with pytest.raises(KeyboardInterrupt):
        machine.part.restore(saved, print)
    monkeypatch.undo()
    saved.seek(0)
    machine.part.restore(saved, print)
    assert machine.ledger.condition().state == "intact"
    assert machine.spent(1)
