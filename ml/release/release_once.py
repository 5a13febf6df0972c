"""Releases exactly one artifact for one charge, no matter which processes die and how often it is retried.

A retry draws new noise, so two attempts seen together would cost twice what was charged. So nothing of an
attempt leaves the trusted side before the privacy ledger has recorded which attempt is released. It records
one per charge; from then on that attempt is published, and no other attempt is made.
"""

from collections.abc import Callable

from ml.budget.account import Charge
from ml.budget.ledger import Ledger
from ml.release.artifact_store import ArtifactStore, Attempt

Train = Callable[[Charge, Attempt], None]
"""Reads the blocks of the charge and writes into the attempt's folders."""


def once(
    ledger: Ledger,
    artifacts: ArtifactStore,
    key: str,
    name: str,
    train: Train,
    now: Callable[[], str],
    passed: Callable[[str], None] = lambda step: None,
) -> Charge:
    """Returns when the one release of the charge `key` is published as `name`. Any process may call this at
    any time, repeatedly, and concurrently. `passed` is called after each step; tests end the process there.

    Raises NotCharged before anything is read, and ArtifactLost, after which retrying does not help.
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
