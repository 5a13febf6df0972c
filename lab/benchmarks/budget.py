"""Concurrent runs that charge one privacy ledger, train and release; each is killed at and between all steps.

`./vitrine bench budget` prints {"runs", "attempts", "killed", "killed_at", "charged", "refused", "released",
"overspent", "paid_twice", "released_twice", "without_payment", "lost", "epsilon", "epsilon_spent", "seconds",
"charge_ms": {"p50", "p99"}}. Each run is a process that is restarted after it was killed, as Airflow would
do. "killed_at" counts the kills by step, "between" those between steps. "overspent", "paid_twice",
"released_twice", "without_payment" and "lost" must be 0, otherwise the exit code is 1.
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
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml.budget.account import Charge, OverBudget, Request
from ml.budget.ledger import Ledger, now
from ml.budget.mongo import MongoAccounts
from ml.budget.outer_file import OuterFileInFolder
from ml.budget.settings import BudgetSettings
from ml.folder_digest import folder_digest
from ml.privacy import renyi
from ml.release.artifact_store import ArtifactStore, Attempt
from ml.release.release_once import once
from streaming.data_folder.layout import DataLayout
from streaming.settings import MongoSettings
from streaming.sinks.mongo.sessions import client

STEPS = ("charged", "paid", "begun", "read", "trained", "sealed", "released", "published")
BETWEEN = "between"
MOST_CALLS = 9_000
"""About half the number of function calls of an attempt that is not killed; it grows with the ledger."""
COST = renyi.gaussian(0.2)
REFUSED, FAILED = 3, 1
DATASET = "sessions"


@dataclass(frozen=True)
class End:
    """How an attempt is killed: after `step`, or after `calls` function calls, whichever comes first. Not
    after a time: a fast process would have finished, and a slow one not begun."""

    step: str | None
    calls: int | None = None


@dataclass
class Run:
    """One run and its history."""

    key: str
    ends: list[End]
    """How its attempts are killed, the next one last."""
    end: End | None = None
    """How the current attempt is killed."""
    killed_at: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    exit_code: int | None = None
    seen: set[str] = field(default_factory=set)
    """Digests of everything that it ever published."""


class Shop:
    """One privacy ledger on the real server, and one artifact store."""

    def __init__(self, mongo: MongoSettings, folder: Path, epsilon: float) -> None:
        self.settings = BudgetSettings(epsilon=epsilon, delta=1e-5)
        self._mongo = mongo
        self.vault = ArtifactStore(DataLayout(folder))
        self.folder = folder

    def ledger(self) -> Ledger:
        """Returns the ledger, with a new connection for the calling process."""
        outer = OuterFileInFolder(self.folder / "ledger", DATASET)
        return Ledger(MongoAccounts(self._mongo), outer, DATASET, self.settings)

    def attempt(self, run: Run) -> int:
        """Starts an attempt in a process and returns its id. It ends by a signal, or with 0 or REFUSED."""
        end = run.end = run.ends.pop() if run.ends else None
        run.attempts += 1
        if process := os.fork():
            return process
        code = FAILED
        try:
            if end and end.calls is not None:
                _die_in(end.calls)
            code = self._carry_out(run.key, end.step if end else None)
        except Exception:  # noqa: BLE001  (the last frame of a forked process)
            traceback.print_exc()
        finally:
            os._exit(code)

    def _carry_out(self, key: str, last: str | None) -> int:
        def passed(step: str) -> None:
            if step == last:
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
        """Records what the runs have published, as an outsider could."""
        for run in runs:
            folder = self.vault.released(run.key)
            if folder.is_dir():
                run.seen.add(folder_digest(folder))


def trial(mongo: MongoSettings, folder: Path, count: int, fitting: int, seed: int) -> dict[str, Any]:
    """Runs `count` concurrent runs, of which `fitting` fit into the budget. `mongo`: an empty database."""
    rng = random.Random(seed)
    epsilon = renyi.epsilon_of(renyi.total([COST] * fitting), 1e-5) + 1e-6
    shop = Shop(mongo, folder, epsilon)
    (folder / "took").mkdir()
    runs = [Run(f"run-{number}", _ends(rng, number)) for number in range(count)]
    began = time.monotonic()
    running = {shop.attempt(run): run for run in runs}
    while running:
        process, status = os.wait()
        run = running.pop(process)
        shop.look(runs)
        if os.WIFSIGNALED(status):
            assert run.end is not None
            at_step = run.end.step if os.WTERMSIG(status) == signal.SIGKILL else None
            run.killed_at[at_step or BETWEEN] += 1
        else:
            run.exit_code = os.WEXITSTATUS(status)
        if os.WIFSIGNALED(status) or (run.ends and run.exit_code == 0):  # a person would clear the task
            running[shop.attempt(run)] = run
    return _found(shop, runs, time.monotonic() - began)


def _ends(rng: random.Random, number: int) -> list[End]:
    """Returns, for each step, at most one kill before it and one at it, and a last kill before the run ends.

    A step that an attempt has completed is not passed again, so a run is killed at all steps only in their
    order: three of four runs have this order. Even then, an attempt killed after the ledger recorded the
    release, but before it passes "released", never passes that step; so every other run has no kill before
    it."""
    steps = list(STEPS)
    if number % 4 == 3:
        rng.shuffle(steps)
    ends: list[End] = []
    for step in steps:
        if step != "released" or number % 2:
            ends.append(End(step, rng.randrange(MOST_CALLS)))
        ends.append(End(step))
    return [*ends, End(None, rng.randrange(MOST_CALLS))][::-1]


def _die_in(calls: int) -> None:
    """Kills this process after `calls` more function calls in this thread. Calls of C functions count too, so
    that it may also die while it waits for the server."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    left = calls

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal left
        left -= event in ("call", "c_call")
        if left < 0:
            os.kill(os.getpid(), signal.SIGALRM)

    sys.setprofile(count)


def _found(shop: Shop, runs: list[Run], seconds: float) -> dict[str, Any]:
    account = shop.ledger().account()
    block = account.block(0)
    paid = {charge.key: charge for charge in account.charges}
    released = [run for run in runs if run.seen]
    took_ms = sorted(float(path.read_text() or "nan") for path in (shop.folder / "took").iterdir())
    return {
        "runs": len(runs),
        "attempts": sum(run.attempts for run in runs),
        "killed": sum(run.killed_at.total() for run in runs),
        "killed_at": dict(sum((run.killed_at for run in runs), Counter[str]())),
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
    """True if nothing went wrong."""
    wrong = ("overspent", "paid_twice", "released_twice", "without_payment", "lost")
    return not any(found[name] for name in wrong)


@contextmanager
def own_database() -> Iterator[MongoSettings]:
    """Yields a new database on the server of the settings, and drops it at the end."""
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
