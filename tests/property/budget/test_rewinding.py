"""Charges, kills, deletions, rollbacks and restores in any order, against an oracle that remembers every
charge that was returned to a caller: what is spent never decreases, and whatever was deleted is seen."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from ml.budget import outer_link
from ml.budget.account import Account, Block, NotCharged, OverBudget, Raise, Request
from ml.budget.chain import Entry
from ml.budget.condition import LedgerBroken
from ml.budget.ledger import Ledger
from ml.budget.memory import InMemoryAccounts
from ml.budget.outer_link import OuterLink, announce
from ml.budget.settings import BudgetSettings
from ml.privacy import renyi
from ml.privacy.privacy_loss import PureLoss

WEEK_MS = 7 * 86_400_000
BUDGET = BudgetSettings(epsilon=4.0, delta=1e-5)
COST = PureLoss(0.6).curve()
DEATHS = st.none() | st.integers(0, 7)
WRITES = ("swap", "overwrite", "record", "write", "make_key")


class Died(BaseException):
    """Ends a process. It is no Exception, so that no error handling runs."""


class Mortal:
    """Passes calls on, and dies before or after one of the writes."""

    def __init__(self, inner: Any, world: "Rewinding") -> None:
        self._inner, self._world = inner, world

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in WRITES:
            return found

        def call(*arguments: Any) -> Any:
            late = (lambda: found(*arguments)) if name in ("swap", "record") else None
            self._world.step(late)
            answer = found(*arguments)
            self._world.step()
            return answer

        return call


class Rewinding(RuleBasedStateMachine):
    """The ledger, an attacker who may do anything to MongoDB, and an oracle."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts = InMemoryAccounts()
        self.steps_left: int | None = None
        self.spent: dict[int, list[renyi.Curve]] = {}
        """By block, the costs of all charges that a caller got."""
        self.backups: list[tuple[dict[str, Account], dict[tuple[str, int], Entry]]] = []
        self.outer_backups: list[bytes] = []
        self.outer_is_back = False
        """True from the loss of the outer link until a person has accepted it."""
        self.number = 0
        self.in_flight: list[Callable[[], Any]] = []
        self.attacked = False

    def ledger(self) -> Ledger:
        outer = self.accounts.outer
        return Ledger(Mortal(self.accounts, self), Mortal(outer, self), "sessions", BUDGET)

    def step(self, late: Callable[[], Any] | None = None) -> None:
        """Dies, if it is time. `late`: a request to MongoDB that may have been sent, and may arrive later."""
        if self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left < 0:
                self.in_flight += [late] if late else []
                raise Died

    def content(self) -> tuple[dict[str, Account], dict[tuple[str, int], Entry]]:
        return dict(self.accounts.by_dataset), dict(self.accounts.records)

    def carry_out(self, call: Callable[[], Any], dies_after: int | None) -> bool:
        """Returns True if the call returned."""
        self.steps_left = dies_after
        try:
            call()
        except (Died, OverBudget, LedgerBroken):
            return False
        finally:
            self.steps_left = None
        return True

    @rule(week=st.sampled_from([[0], [1], [0, 1], [2]]), dies_after=DEATHS)
    def charge(self, week: list[int], dies_after: int | None) -> None:
        self.number += 1
        starts = tuple(number * WEEK_MS for number in week)
        request = Request(str(self.number), starts, len(starts), True, 0, (COST,) * len(starts), "m", "now")
        if self.carry_out(lambda: self.ledger().charge(request), dies_after):
            for start in starts:
                self.spent.setdefault(start, []).append(COST)

    @rule(dies_after=DEATHS)
    def try_again(self, dies_after: int | None) -> None:
        """The newest charge, as after a retry by Airflow."""
        key = str(self.number)
        found: list[Any] = []
        if not self.carry_out(lambda: found.append(self.find(key)), dies_after) or found == [None]:
            return
        # Its caller reads rows from now on, if it did not before.
        held = [len(self.spent.get(start, ())) for start in found[0].blocks]
        charges = [self.ledger().account().block(start).charges for start in found[0].blocks]
        for start, has, counted in zip(found[0].blocks, held, charges, strict=True):
            if has < counted:
                self.spent.setdefault(start, []).append(COST)

    def find(self, key: str) -> Any:
        ledger = self.ledger()
        return ledger.charge_of(key) if ledger.account().find(key) else None

    @rule(epsilon=st.sampled_from([4.0, 5.0]), dies_after=DEATHS)
    def set_budget(self, epsilon: float, dies_after: int | None) -> None:
        change = Raise("now", "who", "why", epsilon, 1e-5, 0)
        with suppress(ValueError):
            self.carry_out(lambda: self.ledger().set_budget(change), dies_after)

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def a_request_of_a_dead_process_arrives(self, data: st.DataObject) -> None:
        late = data.draw(st.sampled_from(self.in_flight))
        self.in_flight.remove(late)
        late()

    @rule()
    def back_up(self) -> None:
        self.backups.append(self.content())
        if (content := self.accounts.outer.content) is not None:
            self.outer_backups.append(content)

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        accounts, records = data.draw(st.sampled_from(self.backups))
        self.put(dict(accounts), dict(records))

    @precondition(lambda self: self.backups)
    @rule(data=st.data())
    def restore_the_document_alone(self, data: st.DataObject) -> None:
        accounts, _ = data.draw(st.sampled_from(self.backups))
        self.put(dict(accounts), self.accounts.records)

    @rule()
    def delete_the_document(self) -> None:
        self.put({}, self.accounts.records)

    @rule()
    def delete_the_newest_entry(self) -> None:
        if self.accounts.records:
            newest = max(self.accounts.records)
            self.put(
                self.accounts.by_dataset,
                {at: entry for at, entry in self.accounts.records.items() if at != newest},
            )

    @rule()
    def drop_everything(self) -> None:
        self.put({}, {})

    @rule()
    def give_back_a_charge(self) -> None:
        """By an attacker without the key, who lowers what was spent."""
        if account := self.accounts.by_dataset.get("sessions"):
            blocks = tuple(replace(block, spent=renyi.NOTHING, charges=0) for block in account.blocks)
            self.put({"sessions": replace(account, blocks=blocks)}, self.accounts.records)

    @rule(adopts=st.booleans(), dies_after=DEATHS)
    def go_on(self, adopts: bool, dies_after: int | None) -> None:
        ledger = self.ledger()
        step = ledger.adopt if adopts else ledger.accept_restored
        with suppress(ValueError):
            self.carry_out(lambda: step("ann", "the disk broke"), dies_after)

    @precondition(lambda self: self.accounts.outer.content and not self.outer_is_back)
    @rule(dies_after=DEATHS, data=st.data())
    def lose_the_outer_link(self, dies_after: int | None, data: st.DataObject) -> None:
        """The disk breaks, and what is put back may be old."""
        if self.content() == ({}, {}):
            return
        self.attacked = True
        self.outer_is_back = True
        self.accounts.outer.content = data.draw(st.sampled_from([None, *self.outer_backups]))
        if data.draw(st.booleans()):
            self.accounts.outer.generated = None
        self.go_on(adopts=False, dies_after=dies_after)

    def put(self, accounts: dict[str, Account], records: dict[tuple[str, int], Entry]) -> None:
        """By an attacker. It is assumed that nobody puts MongoDB and the outer link back together."""
        if self.outer_is_back:
            return
        self.attacked = True
        before, content = self.ledger().condition(), self.content()
        self.accounts.by_dataset, self.accounts.records = accounts, records
        if before.intact and before.pending is None and self.content() != content:
            assert not self.ledger().condition().intact

    @invariant()
    def what_was_spent_is_spent_or_the_ledger_says_that_it_is_broken(self) -> None:
        ledger = self.ledger()
        if not ledger.condition().intact:
            assert self.attacked, "deaths alone never break a ledger"
            return
        self.outer_is_back = False
        account = ledger.account()
        for start, costs in self.spent.items():
            block = account.block(start)
            if start < account.closed_before_ms:  # its budget can never be raised
                assert block.epsilon_after(renyi.gaussian(1e-3)) > block.epsilon
            else:
                total = renyi.total(costs)
                assert all(has >= was - 1e-9 for has, was in zip(block.spent, total, strict=True))


TestRewinding = Rewinding.TestCase
TestRewinding.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("dies_after", range(9))
def test_a_charge_whose_process_died_counts_from_when_a_retry_gets_it(dies_after: int) -> None:
    """Whenever the process dies, and wherever a restore takes MongoDB back to: what a caller got is not
    forgotten."""
    world = Rewinding()
    world.charge([0], None)
    world.back_up()
    world.charge([1], dies_after)
    ledger = world.ledger()
    try:
        got = ledger.charge_of("2")
    except NotCharged:
        got = None
    before, records = world.backups[0]
    world.accounts.by_dataset, world.accounts.records = dict(before), dict(records)
    assert ledger.condition().state == ("intact" if got is None else "shorter")
    if got is None:
        world.charge([1], None)
        assert ledger.condition().state == "intact"


def unsettled(ledger: Ledger, key: str) -> Any:
    """A fault: returns a charge that the outer link may not have yet."""
    return ledger.account().find(key)


def the_last_announced(outer: OuterLink, entry: Entry, blocks: Any) -> OuterLink:
    """A fault: forgets what was announced before, though it may still arrive."""
    return announce(replace(outer, intents=()), entry, blocks)


@pytest.mark.parametrize(
    ("where", "name", "fault"),
    [
        (Ledger, "charge_of", unsettled),
        (outer_link, "announce", the_last_announced),
        (outer_link, "announce", lambda outer, entry, blocks: outer),
        (Block, "wholly_spent", lambda block: block),
    ],
    ids=["unsettled", "forgotten", "unannounced", "unspent"],
)
def test_planted_faults_are_caught(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, fault: Callable[..., Any]
) -> None:
    monkeypatch.setattr(where, name, fault)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            Rewinding,
            settings=settings(
                max_examples=10_000,  # one of some 600 shows the fault that is hardest to find
                stateful_step_count=25,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
