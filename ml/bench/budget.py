"""Runs that pay, train and release on one ledger at once, each killed at every step.

`./vitrine bench budget` prints {"runs", "attempts", "killed", "charged", "refused", "released", "overspent",
"paid_twice", "released_twice", "without_payment", "lost", "epsilon", "epsilon_spent", "seconds", "charge_ms":
{"p50", "p99"}}: of so many runs, each a process that is started anew when it was killed, as Airflow does it.
"overspent", "paid_twice", "released_twice", "without_payment" and "lost" must be 0; the exit code is 1
otherwise.
"""

import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml.adapters.accounts_mongo import MongoAccounts
from ml.budget.account import Charge, OverBudget, Request
from ml.budget.ledger import Ledger, now
from ml.budget.settings import BudgetSettings
from ml.privacy import renyi
from ml.training.release import once
from ml.training.vault import Attempt, Vault, digest
from streaming.adapters.mongo import client
from streaming.settings import MongoSettings

STEPS = ("charged", "paid", "begun", "read", "trained", "sealed", "released", "published")
ANY_MOMENT = 3
"""So many more times each run is killed, at a moment that no step names."""
LONGEST_S = 0.2
COST = renyi.gaussian(0.2)
REFUSED, FAILED = 3, 1
DATASET = "sessions"


@dataclass
class Run:
    """One run and what has become of it."""

    key: str
    ends: list[str | float]
    """How its attempts are killed, the next one last: after a step, or after seconds."""
    attempts: int = 0
    exit_code: int | None = None
    seen: set[str] = field(default_factory=set)
    """Digests of all that was ever published of it."""


class Shop:
    """One ledger on the real server, one disk."""

    def __init__(self, mongo: MongoSettings, folder: Path, epsilon: float) -> None:
        self.settings = BudgetSettings(epsilon=epsilon, delta=1e-5)
        self._mongo = mongo
        self.vault = Vault(folder)
        self.folder = folder

    def ledger(self) -> Ledger:
        """With a connection of the calling process's own."""
        return Ledger(MongoAccounts(self._mongo), DATASET, self.settings)

    def attempt(self, run: Run) -> int:
        """Starts a process and returns its id. It ends by a signal, or with 0 or REFUSED."""
        end = run.ends.pop() if run.ends else None
        run.attempts += 1
        if process := os.fork():
            return process
        code = FAILED
        try:
            if isinstance(end, float):
                signal.signal(signal.SIGALRM, signal.SIG_DFL)  # dies without a last word, too
                signal.setitimer(signal.ITIMER_REAL, end)
            code = self._carry_out(run.key, end)
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _carry_out(self, key: str, end: str | float | None) -> int:
        def passed(step: str) -> None:
            if step == end:
                os.kill(os.getpid(), signal.SIGKILL)

        def train(charge: Charge, attempt: Attempt) -> None:
            passed("read")
            (attempt.public / "model").write_bytes(os.urandom(4096))  # noise: never the same twice
            (attempt.trusted / "exact").write_text(charge.key)

        ledger = self.ledger()
        began = time.perf_counter()
        try:
            ledger.charge(Request(key, (0,), 1, True, 1, (COST,), "a model", now()))
        except OverBudget:
            return REFUSED
        took_ms = (time.perf_counter() - began) * 1000
        (self.folder / "took" / f"{key}-{os.getpid()}").write_text(str(took_ms))
        passed("charged")
        once(ledger, self.vault, key, key, train, now, passed)
        return 0

    def look(self, runs: list[Run]) -> None:
        """Somebody outside remembers what was published."""
        for run in runs:
            folder = self.vault.released(run.key)
            if folder.is_dir():
                run.seen.add(digest(folder))


def trial(mongo: MongoSettings, folder: Path, count: int, fitting: int, seed: int) -> dict[str, Any]:
    """`count` runs at once, of which `fitting` have room in the budget. `mongo` names an empty database."""
    dice = random.Random(seed)
    epsilon = renyi.epsilon_of(renyi.total([COST] * fitting), 1e-5) + 1e-6
    shop = Shop(mongo, folder, epsilon)
    (folder / "took").mkdir()
    runs = [Run(f"run-{number}", _ends(dice, in_order=number % 2 == 0)) for number in range(count)]
    began = time.monotonic()
    running = {shop.attempt(run): run for run in runs}
    while running:
        process, status = os.wait()
        run = running.pop(process)
        shop.look(runs)
        if os.WIFSIGNALED(status):
            running[shop.attempt(run)] = run
        else:
            run.exit_code = os.WEXITSTATUS(status)
    return _found(shop, runs, time.monotonic() - began)


def _ends(dice: random.Random, in_order: bool) -> list[str | float]:
    """An attempt gets no further than one before it got, or the step is not passed again: only in order are
    all of them died at."""
    moments = [dice.uniform(0, LONGEST_S) for _ in range(ANY_MOMENT)]
    if in_order:
        return [*reversed(STEPS), *moments]
    ends: list[str | float] = [*STEPS, *moments]
    dice.shuffle(ends)
    return ends


def _found(shop: Shop, runs: list[Run], seconds: float) -> dict[str, Any]:
    account = shop.ledger().account()
    block = account.block(0)
    paid = {charge.key: charge for charge in account.charges}
    released = [run for run in runs if run.seen]
    took_ms = sorted(float(path.read_text() or "nan") for path in (shop.folder / "took").iterdir())
    return {
        "runs": len(runs),
        "attempts": sum(run.attempts for run in runs),
        "killed": sum(run.attempts - 1 for run in runs),
        "charged": account.charged,
        "refused": sum(run.exit_code == REFUSED for run in runs),
        "released": len(released),
        "overspent": int(block.epsilon_spent > block.epsilon),
        "paid_twice": account.charged - len(paid) + abs(block.charges - account.charged),
        "released_twice": sum(len(run.seen) > 1 for run in runs),
        "without_payment": sum(
            run.key not in paid or (found := paid[run.key].release) is None or run.seen != {found.digest}
            for run in released
        ),
        "lost": sum(
            run.exit_code not in (0, REFUSED) or (run.exit_code == 0) != bool(run.seen) for run in runs
        ),
        "epsilon": round(block.epsilon, 4),
        "epsilon_spent": round(block.epsilon_spent, 4),
        "seconds": round(seconds, 1),
        "charge_ms": {
            "p50": round(statistics.median(took_ms), 1),
            "p99": round(took_ms[int(0.99 * (len(took_ms) - 1))], 1),
        },
    }


def holds(found: dict[str, Any]) -> bool:
    """Whether nothing went wrong."""
    wrong = ("overspent", "paid_twice", "released_twice", "without_payment", "lost")
    return not any(found[name] for name in wrong)


@contextmanager
def own_database() -> Iterator[MongoSettings]:
    """A database of the benchmark's own on the server that the settings name."""
    settings = MongoSettings(database=f"bench-{uuid.uuid4().hex[:12]}")
    try:
        yield settings
    finally:
        with client(settings) as connected:
            connected.drop_database(settings.database)


if __name__ == "__main__":
    with own_database() as mongo, tempfile.TemporaryDirectory() as folder:
        found = trial(mongo, Path(folder), count=50, fitting=30, seed=1)
    print(json.dumps(found))
    sys.exit(0 if holds(found) else 1)
