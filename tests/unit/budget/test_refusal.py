"""The message of a refusal: what is spent and what to do, in a few lines."""

import argparse
import shlex

import pytest

from ml.budget import account as accounts
from ml.budget.account import Account, OverBudget, Raise, Request
from ml.budget.arguments import add_arguments
from ml.budget.blocks import beginning_at
from ml.privacy import renyi

WEEK_MS = 7 * 86_400_000


def a_request(weeks: int) -> Request:
    """For a loss above the budget of any block."""
    candidates = tuple((2_900 - week) * WEEK_MS for week in range(weeks))
    return Request("key", candidates, 4, False, 0, (renyi.gaussian(1.0),) * 4, "3 models", "now")


def refusal(account: Account, request: Request) -> str:
    with pytest.raises(OverBudget) as refused:
        accounts.charge(account, request)
    return str(refused.value)


@pytest.mark.parametrize("weeks", [1, 3, 60])
def test_the_command_in_the_refusal_makes_the_run_possible(weeks: int) -> None:
    account = Account("sessions", WEEK_MS, epsilon=2.0, delta=1e-5)
    text = refusal(account, a_request(weeks))
    _, _, command = text.partition("./vitrine budget set")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    given = parser.parse_args(["set", *shlex.split(command)])
    change = Raise("now", "who", given.why, given.epsilon, 1e-5, beginning_at(given.block, WEEK_MS))
    _, charge = accounts.charge(accounts.set_budget(account, change), a_request(weeks))
    assert charge.blocks == (2_900 * WEEK_MS,)


def test_the_refusal_names_the_day_of_the_next_budget() -> None:
    assert "wait for the sessions of 2025-08-07 to 2025-08-14" in refusal(
        Account("sessions", WEEK_MS, epsilon=2.0, delta=1e-5), a_request(1)
    )


def test_a_refusal_lists_only_the_newest_of_many_blocks() -> None:
    lines = refusal(Account("sessions", WEEK_MS, epsilon=2.0, delta=1e-5), a_request(60)).splitlines()
    assert len([line for line in lines if "of epsilon 2 spent" in line]) == 5
    assert "  and 55 other blocks that have too little left" in lines
