"""PURE: an account as shown on the command line and on the page. msgspec and the standard library only: the
Airflow environment imports it."""

from typing import Any

from msgspec import Struct, to_builtins

from ml.budget.account import Account, Block, Charge
from ml.budget.blocks import day
from ml.privacy import renyi
from streaming.contract.time_units import DAY_MS


class BlockSeen(Struct, frozen=True):
    """One block of time."""

    first: str
    """Day, ISO 8601."""
    end: str
    """The first day after it."""
    epsilon: float
    delta: float
    spent: float
    left: float
    charges: int

    @property
    def share(self) -> float:
        """The share of the budget that is spent, from 0 to 1."""
        return min(1.0, self.spent / self.epsilon)


class ChargeSeen(Struct, frozen=True):
    """One charge."""

    key: str
    at: str
    blocks: tuple[str, ...]
    """Their first days."""
    what: str
    automatic: bool
    epsilon: float
    """What it costs a block with no other charge."""
    released: str | None
    """Digest of the artifact it released."""


class Overview(Struct, frozen=True):
    """The whole account, newest entries first."""

    dataset: str
    block_days: int
    epsilon: float
    delta: float
    lifetime: float
    """Epsilon, with `delta`, that a user in every block of every charge has lost at most."""
    charged: int
    blocks: tuple[BlockSeen, ...]
    charges: tuple[ChargeSeen, ...]
    raises: tuple[dict[str, Any], ...]
    acceptances: tuple[dict[str, Any], ...]
    lifetime_incomplete: bool
    affordable: int
    """Number of blocks with enough left for one more charge like the newest."""


def overview(account: Account) -> Overview:
    """Returns everything in the account but the curves."""
    return Overview(
        dataset=account.dataset,
        block_days=account.block_ms // DAY_MS,
        epsilon=account.epsilon,
        delta=account.delta,
        lifetime=account.lifetime_epsilon,
        charged=account.charged,
        blocks=tuple(_block(block, account.block_ms) for block in reversed(account.blocks)),
        charges=tuple(_charge(charge, account.delta) for charge in reversed(account.charges)),
        raises=tuple(
            to_builtins(change) | {"block": None if change.block is None else day(change.block)}
            for change in reversed(account.raises)
        ),
        acceptances=tuple(to_builtins(deed) for deed in reversed(account.acceptances)),
        lifetime_incomplete=account.lifetime_incomplete,
        affordable=_affordable(account),
    )


def _affordable(account: Account) -> int:
    if not account.charges:
        return len(account.blocks)
    cost = account.charges[-1].cost
    return sum(block.epsilon_after(cost) <= block.epsilon for block in account.blocks)


def _block(block: Block, block_ms: int) -> BlockSeen:
    spent = block.epsilon_spent
    return BlockSeen(
        first=day(block.start_ms),
        end=day(block.start_ms + block_ms),
        epsilon=block.epsilon,
        delta=block.delta,
        spent=spent,
        left=max(0.0, block.epsilon - spent),
        charges=block.charges,
    )


def _charge(charge: Charge, delta: float) -> ChargeSeen:
    return ChargeSeen(
        key=charge.key,
        at=charge.at,
        blocks=tuple(map(day, sorted(charge.blocks))),
        what=charge.what,
        automatic=charge.automatic,
        epsilon=renyi.epsilon_of(charge.cost, delta),
        released=charge.release.digest if charge.release else None,
    )
