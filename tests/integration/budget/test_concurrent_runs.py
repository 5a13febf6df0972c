"""Runs as processes on the real server, killed at every step, and started again as Airflow does."""

from pathlib import Path

from lab.benchmarks import budget
from streaming.settings import MongoSettings


def test_nothing_is_overspent_paid_twice_or_released_twice(mongo: MongoSettings, tmp_path: Path) -> None:
    found = budget.trial(mongo, tmp_path, count=10, fitting=6, seed=1)
    assert budget.holds(found), found
    assert (found["charged"], found["released"], found["refused"]) == (6, 6, 4)
    # Of the six runs that fit into the budget, at least four are killed in order, and one at "released".
    killed_at = found["killed_at"]
    assert all(killed_at[step] >= (1 if step == "released" else 4) for step in budget.STEPS), killed_at
    assert killed_at[budget.BETWEEN] >= 2 * len(budget.STEPS), killed_at
    assert found["killed"] == sum(killed_at.values()) >= 3 * len(budget.STEPS)


def test_the_check_detects_a_release_without_the_ledger(mongo: MongoSettings, tmp_path: Path) -> None:
    """The check can fail: a release that is not in the ledger is counted."""
    shop = budget.Shop(mongo, tmp_path, epsilon=1.0)
    (tmp_path / "took").mkdir()
    (tmp_path / "took" / "x").write_text("1")
    run = budget.Run("stray", [], attempts=1, exit_code=0)
    shop.vault.released("stray").mkdir(parents=True)
    (shop.vault.released("stray") / "model").write_text("stolen")
    shop.look([run])
    found = budget._found(shop, [run], 1.0)
    assert found["without_payment"] == 1
    assert not budget.holds(found)
