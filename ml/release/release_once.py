"""One release for one payment, whatever dies on the way and however often it is tried again.

A retry throws new dice, so two attempts are two draws of noise: seen together they would cost twice what was
paid. Nothing of an attempt therefore leaves the trusted side before the ledger has said which attempt it is;
the ledger says it once for each payment; and from then on that attempt is published and none is made again.
"""

from collections.abc import Callable

from ml.budget.account import Charge
from ml.budget.ledger import Ledger
from ml.release.artifact_store import ArtifactStore, Attempt

Train = Callable[[Charge, Attempt], None]
"""Reads what the charge has paid for, and writes into the attempt's folders."""


def once(
    ledger: Ledger,
    vault: ArtifactStore,
    key: str,
    name: str,
    train: Train,
    now: Callable[[], str],
    passed: Callable[[str], None] = lambda step: None,
) -> Charge:
    """Returns when what `key` has paid for stands released under `name`. Any process may run this at any
    time, again, or beside others. `passed` hears of each step: between any two of them one may die.

    Raises NotCharged before anything is read; Lost, after which no retry helps.
    """
    charge = ledger.paid(key)
    passed("paid")
    if charge.release is None:
        attempt = vault.begin(key)
        passed("begun")
        train(charge, attempt)
        passed("trained")
        digest = vault.seal(attempt)
        passed("sealed")
        charge = ledger.release(key, digest, attempt.name, now())
        passed("released")
    assert charge.release is not None
    vault.publish(key, name, charge.release)
    passed("published")
    vault.clear(key)
    return charge
