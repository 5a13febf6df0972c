"""One release for one charge, whatever dies on the way and however often it is tried again.

A retry draws new noise, so two attempts seen together would cost twice what was charged. Nothing of an
attempt therefore leaves the trusted side before the privacy ledger has recorded which attempt is released; it
records one for each charge; and from then on that attempt is published and none is made again.
"""

from collections.abc import Callable

from ml.budget.account import Charge
from ml.budget.ledger import Ledger
from ml.release.artifact_store import ArtifactStore, Attempt

Train = Callable[[Charge, Attempt], None]
"""Reads what the charge covers, and writes into the attempt's folders."""


def once(
    ledger: Ledger,
    artifacts: ArtifactStore,
    key: str,
    name: str,
    train: Train,
    now: Callable[[], str],
    passed: Callable[[str], None] = lambda step: None,
) -> Charge:
    """Returns when the one release of the charge `key` stands under `name`. Any process may run this at any
    time, again, or beside others. `passed` hears of each step: between any two of them one may die.

    Raises NotCharged before anything is read; ArtifactLost, after which no retry helps.
    """
    charge = ledger.charge_of(key)
    passed("paid")
    if charge.release is None:
        attempt = artifacts.begin(key)
        passed("begun")
        train(charge, attempt)
        passed("trained")
        digest = artifacts.seal(attempt)
        passed("sealed")
        charge = ledger.release(key, digest, attempt.name, now())
        passed("released")
    assert charge.release is not None
    artifacts.publish(key, name, charge.release)
    passed("published")
    artifacts.clear(key)
    return charge
