"""Charges a run to the privacy ledger: the first task of the DAG `private_models`."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ml.budget import account as accounts
from ml.budget.account import Account, Charge, OverBudget
from ml.budget.blocks import describe_all
from ml.budget.condition import LedgerBroken
from ml.budget.ledger import Ledger, now
from ml.release import extract
from ml.release.request import TrainingRequest, charge_request
from streaming.contract.time_units import DAY_MS

log = logging.getLogger(__name__)


def charge_run(training: TrainingRequest, ledger: Ledger, extracts: Path, every_h: float) -> dict[str, Any]:
    """Charges the run, before any row is read. Returns {"key", "blocks", "what"}, or {"refused": why} if the
    budget does not allow it or a requested block does not exist, or {"broken": why} if the privacy ledger is
    not intact. If an extraction started the run, returns
    {"spent": why} instead if the budget does not allow it, and {"too_soon": why} less than `every_h` hours
    after the last release. Raises NoExtract."""
    try:
        return _charge(training, ledger, extracts, every_h)
    except LedgerBroken as broken:
        return {"broken": str(broken)}


def _charge(training: TrainingRequest, ledger: Ledger, extracts: Path, every_h: float) -> dict[str, Any]:
    account = ledger.account()
    available = extract.list_available(extracts, account.block_ms)
    try:
        request = charge_request(training, account, available, now())
        if training.automatic and account.find(training.key) is None and (why := _too_soon(account, every_h)):
            # A trial that is not recorded: if the budget is spent, waiting would not help, so say that
            # instead.
            accounts.charge(account, request)
            return {"too_soon": why}
        charge = ledger.charge(request)
    except OverBudget as refusal:
        return {"spent" if training.automatic else "refused": str(refusal)}
    except ValueError as refusal:
        return {"refused": str(refusal)}
    log.info("charged %s: %s", charge.key, describe_all(charge.blocks, account.block_ms))
    return {"key": charge.key, "blocks": list(charge.blocks), "what": charge.what}


def _too_soon(account: Account, every_h: float) -> str | None:
    released = [charge.release.at for charge in account.charges if charge.release]
    if not released:
        return None
    due = datetime.fromisoformat(max(released)) + timedelta(hours=every_h)
    if datetime.now(UTC) >= due:
        return None
    return (
        f"The last models were released at {max(released)}. To spare the privacy budget, an extraction "
        f"starts the next training at {due.isoformat(timespec='seconds')} or later. Trigger the DAG to train "
        "now."
    )


def entry(account: Account, charge: Charge) -> dict[str, Any]:
    """Returns the ledger's entry for the statement: the charge, and the budget that it left."""
    blocks = [account.block(start_ms) for start_ms in charge.blocks]
    left = [
        {
            "from_ms": block.start_ms,
            "epsilon": block.epsilon,
            "delta": block.delta,
            "epsilon_left": max(0.0, block.epsilon - block.epsilon_spent),
        }
        for block in blocks
    ]
    least = min(blocks, key=lambda block: block.epsilon - block.epsilon_spent)
    told = (
        f"Charge {charge.key} on the blocks {describe_all(charge.blocks, account.block_ms)}. The unit is one "
        f"user's sessions of one block of {days(account)}. All runs together, future ones included, cost "
        f"such a unit at most ({least.epsilon:g}, {least.delta:g}), of which epsilon "
        f"{least.epsilon_spent:.2f} is spent. A user who was in every block of all charges so far has lost "
        f"at most ({account.lifetime_epsilon:g}, {account.delta:g})"
        f"{', not counting charges that the privacy ledger lost' if account.lifetime_incomplete else ''}."
    )
    return {"key": charge.key, "blocks": list(charge.blocks), "left": left, "told": told}


def days(account: Account) -> str:
    """Returns the length of the account's blocks, in words."""
    days = account.block_ms // DAY_MS
    return "one day" if days == 1 else f"{days} days"
