"""Attempts that die between any two steps, and others that run in the middle of them: one payment buys one
release, and nothing is read that was not paid for. Every case is tried; each mutant has one fault and
must be caught."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest

from ml.budget.account import Charge, NotCharged, OverBudget, Request
from ml.budget.ledger import Ledger
from ml.budget.memory import InMemoryAccounts
from ml.budget.settings import BudgetSettings
from ml.folder_digest import folder_digest
from ml.privacy.privacy_loss import PureLoss
from ml.release.artifact_store import ArtifactLost, ArtifactStore, Attempt
from ml.release.release_once import once
from streaming.data_folder.layout import DataLayout

STEPS = ("charged", "paid", "begun", "read", "trained", "sealed", "released", "published", None)
"""After which of them an attempt dies; None: it does not."""
EPSILON = 2.0
COST = PureLoss(1.2).curve()  # so much that the budget is enough for one key and not for two
Passed = Callable[[str], None]


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns fsync off: only processes die here, not the machine, so everything that they wrote stays."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


class Died(BaseException):
    """Ends an attempt. It is no Exception, so that no error handling runs."""


class World:
    """A ledger, a disk, and an outsider who records everything that was ever published."""

    def __init__(self, folder: Path, attempt: "Run") -> None:
        accounts = InMemoryAccounts()
        settings = BudgetSettings(epsilon=EPSILON, delta=1e-5)
        self.ledger = Ledger(accounts, accounts.outer, "sessions", settings)
        self.vault = ArtifactStore(DataLayout(folder))
        self.attempt = attempt
        self.seen: dict[str, set[str]] = {}

    def pay(self, key: str) -> Charge:
        return self.ledger.charge(Request(key, (0,), 1, True, 1, (COST,), "a model", "now"))

    def train(self, key: str, passed: Passed) -> Callable[[Charge, Attempt], None]:
        def train(charge: Charge, attempt: Attempt) -> None:
            self.read(key)
            passed("read")
            (attempt.public / "model").write_bytes(os.urandom(16))  # noise: never the same twice
            (attempt.trusted / "exact").write_text("1")

        return train

    def read(self, key: str) -> None:
        paid = self.ledger.account().find(key)
        assert paid is not None, "a row was read that nobody had paid for"

    def look(self) -> None:
        """Records what is published, between any two steps of any attempt."""
        for key in ("a", "b"):
            folder = self.vault.released(key)
            if folder.is_dir() and (files := list(folder.iterdir())):
                assert [path.name for path in files] == ["model"]
                self.seen.setdefault(key, set()).add(folder_digest(folder))
        for key, digests in self.seen.items():
            assert len(digests) == 1, "one payment bought two releases"
            paid = self.ledger.account().find(key)
            assert paid is not None, "released before the ledger knew"
            assert paid.release is not None, "released before the ledger knew"
            assert {paid.release.digest} == digests
        block = self.ledger.account().block(0)
        assert block.epsilon_spent <= EPSILON
        assert block.charges <= 1, "paid twice"

    def run(self, key: str, dies_after: str | None, then: tuple[str | None, Callable[[], None]]) -> None:
        """Runs one attempt, which dies after a step; after another step, another process does something."""

        def passed(step: str) -> None:
            self.look()
            if step == then[0]:
                then[1]()
                self.look()
            if step == dies_after:
                raise Died

        with suppress(Died, OverBudget, OSError):
            self.attempt(self, key, passed)
        self.look()


Run = Callable[[World, str, Passed], None]


def sound(world: World, key: str, passed: Passed) -> None:
    world.pay(key)
    passed("charged")
    once(world.ledger, world.vault, key, key, world.train(key, passed), lambda: "now", passed)


def cases() -> Iterator[tuple[str | None, str | None, str | None, str]]:
    """(first dies after, another runs after the first's, which dies after, whose)."""
    yield from product(STEPS, STEPS, STEPS, "a")
    yield from product(STEPS, STEPS, (None,), "b")


def try_all(folder: Path, attempt: Run) -> None:
    for number, (dies, at, other_dies, whose) in enumerate(cases()):
        world = World(folder / str(number), attempt)
        nothing: tuple[None, Callable[[], None]] = (None, lambda: None)

        def other(world: World = world, whose: str = whose, other_dies: str | None = other_dies) -> None:
            world.run(whose, other_dies, (None, lambda: None))

        world.run("a", dies, (at, other))
        world.run("a", None, nothing)  # Airflow tries again
        world.run("a", None, nothing)  # and a person clears the task
        assert world.seen.keys() == {"a"}, "what was paid for never came"
        assert not (folder / str(number) / "unreleased" / "a").exists()
        assert (world.vault.trusted("a") / "exact").exists()


def test_one_charge_makes_one_release_no_matter_what_dies(tmp_path: Path) -> None:
    try_all(tmp_path, sound)


def uncharged(world: World, key: str, passed: Passed) -> None:
    """A fault: reads the rows before anything is charged."""
    passed("charged")
    world.train(key, passed)(Charge(key, "", (0,), 1, COST, ""), world.vault.begin(key))
    sound(world, key, passed)


def pays_after_reading(world: World, key: str, passed: Passed) -> None:
    attempt = world.vault.begin(key)
    world.train(key, passed)(Charge(key, "", (0,), 1, COST, ""), attempt)
    world.pay(key)
    release = world.ledger.release(key, world.vault.seal(attempt), attempt.name, "now").release
    assert release is not None
    world.vault.publish(key, key, release)


def publishes_before_the_ledger_knows(world: World, key: str, passed: Passed) -> None:
    world.pay(key)
    attempt = world.vault.begin(key)
    world.train(key, passed)(Charge(key, "", (0,), 1, COST, ""), attempt)
    target = world.vault.released(key)
    target.parent.mkdir(parents=True, exist_ok=True)
    attempt.public.rename(target)
    passed("published")
    world.ledger.release(key, folder_digest(target), attempt.name, "now")


def trains_again_after_a_release(world: World, key: str, passed: Passed) -> None:
    world.pay(key)
    attempt = world.vault.begin(key)
    world.train(key, passed)(Charge(key, "", (0,), 1, COST, ""), attempt)
    world.ledger.release(key, world.vault.seal(attempt), attempt.name, "now")
    passed("released")
    target = world.vault.released(key)
    target.mkdir(parents=True, exist_ok=True)
    (attempt.public / "model").replace(target / "model")
    passed("published")


def pays_for_each_attempt(world: World, key: str, passed: Passed) -> None:
    world.ledger.charge(
        Request(f"{key} {os.urandom(4).hex()}", (0,), 1, True, 1, (PureLoss(0.1).curve(),), "a model", "now")
    )
    sound(world, key, passed)


@pytest.mark.parametrize(
    "mutant",
    [
        uncharged,
        pays_after_reading,
        publishes_before_the_ledger_knows,
        trains_again_after_a_release,
        pays_for_each_attempt,
    ],
)
def test_planted_faults_are_caught(tmp_path: Path, mutant: Run) -> None:
    with pytest.raises(AssertionError):
        try_all(tmp_path, mutant)


def test_without_a_charge_nothing_is_read(tmp_path: Path) -> None:
    world = World(tmp_path, sound)
    with pytest.raises(NotCharged):
        once(world.ledger, world.vault, "a", "a", world.train("a", lambda step: None), lambda: "now")


def test_an_artifact_lost_after_its_release_is_never_made_again(tmp_path: Path) -> None:
    world = World(tmp_path, sound)
    world.run("a", "released", (None, lambda: None))
    world.vault.clear("a")
    with pytest.raises(ArtifactLost):
        sound(world, "a", lambda step: None)
    assert not world.vault.released("a").exists()


def test_an_artifact_changed_after_its_release_is_not_accepted(tmp_path: Path) -> None:
    world = World(tmp_path, sound)
    world.run("a", None, (None, lambda: None))
    (world.vault.released("a") / "model").write_text("another")
    with pytest.raises(ArtifactLost):
        sound(world, "a", lambda step: None)


def test_the_trusted_side_is_the_owners_alone(tmp_path: Path) -> None:
    world = World(tmp_path, sound)
    world.run("a", "trained", (None, lambda: None))
    assert (tmp_path / "unreleased").stat().st_mode & 0o077 == 0
    world.run("a", None, (None, lambda: None))
    for folder in (world.vault.trusted("a"), tmp_path / "trusted"):
        assert folder.stat().st_mode & 0o077 == 0
