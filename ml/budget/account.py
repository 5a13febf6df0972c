"""PURE: the account of one data set, and what may happen to it. Nothing here ever lowers what was spent.

The unit is the user within a block: all sessions of a user that arrived in that block of time. A charge
touches the blocks it reads, and a block whose budget would be exceeded refuses it (Sage: Lécuyer, Spahn,
Vodrahalli, Geambasu, Hsu, SOSP 2019). A block that is spent retires; newer ones go on.
"""

import math

from msgspec import Struct
from msgspec.structs import replace

from ml.budget import blocks as times
from ml.privacy import renyi
from ml.privacy.renyi import NOTHING, Curve

SHOWN = 5
"""So many blocks a refusal tells of."""
REMEMBERED = 400
"""So many charges keep their key. An older one that comes again is charged again, which is safe."""


class Block(Struct, frozen=True):
    """One block of time and what its users' sessions have lost."""

    start_ms: int
    epsilon: float
    delta: float
    spent: Curve = NOTHING
    charges: int = 0

    @property
    def epsilon_spent(self) -> float:
        return renyi.epsilon_of(self.spent, self.delta)

    def epsilon_after(self, cost: Curve) -> float:
        """What would be spent after one more charge."""
        return renyi.epsilon_of(renyi.total([self.spent, cost]), self.delta)


class Release(Struct, frozen=True):
    """What one charge released: exactly one artifact."""

    digest: str
    attempt: str
    at: str


class Charge(Struct, frozen=True):
    """What one run took from the budget of each block it reads, for one release."""

    key: str
    at: str
    blocks: tuple[int, ...]
    until_ms: int
    """Sessions that arrived later are not read, though their block be charged: a retry reads no more than
    the first attempt."""
    cost: Curve
    what: str
    """In words: models and parameters."""
    automatic: bool = False
    release: Release | None = None


class Request(Struct, frozen=True):
    """A charge asked for."""

    key: str
    """Names the release: run, models and parameters. Asked again, it is the same charge."""
    candidates: tuple[int, ...]
    """Blocks that could be read, the best first."""
    at_most: int
    """So many of them are wanted; those without enough left are passed over."""
    all_or_nothing: bool
    """Every candidate is wanted."""
    until_ms: int
    costs: tuple[Curve, ...]
    """[m - 1]: of the release for one who is m units in it, for m up to the number of blocks; the first is
    what a block is charged."""
    what: str
    at: str
    automatic: bool = False


class Raise(Struct, frozen=True):
    """A budget set by a person."""

    at: str
    who: str
    why: str
    epsilon: float
    delta: float
    block: int | None
    """None: for all blocks that are not there yet."""


class Account(Struct, frozen=True):
    """All that one charge touches: one document."""

    dataset: str
    block_ms: int
    epsilon: float
    delta: float
    """Of blocks to come."""
    version: int = 0
    blocks: tuple[Block, ...] = ()
    lifetime: Curve = NOTHING
    """Of one who was in every block of every charge."""
    charged: int = 0
    charges: tuple[Charge, ...] = ()
    """The newest, in order."""
    raises: tuple[Raise, ...] = ()

    def block(self, start_ms: int) -> Block:
        """The block as it is, or as it will begin."""
        fresh = Block(start_ms, self.epsilon, self.delta)
        return next((block for block in self.blocks if block.start_ms == start_ms), fresh)

    def find(self, key: str) -> Charge | None:
        return next((charge for charge in self.charges if charge.key == key), None)

    @property
    def lifetime_epsilon(self) -> float:
        """What may be said of a user's whole life, at any moment, with the delta of a block."""
        return renyi.odometer(self.lifetime, self.epsilon, self.delta) * self.epsilon


class OverBudget(Exception):
    """Refused: nothing was charged, and no row may be read. The text says what is left and how to go on."""


class NotCharged(Exception):
    """There is no charge under this key."""


def charge(account: Account, request: Request) -> tuple[Account, Charge]:
    """Charges `request` to every block it will read, or finds that this was done. Raises OverBudget."""
    if (known := account.find(request.key)) is not None:
        return account, known
    cost = request.costs[0]
    fitting = [block for block in map(account.block, request.candidates) if _fits(block, cost)]
    chosen = fitting[: request.at_most]
    if not chosen or (request.all_or_nothing and len(fitting) < len(request.candidates)):
        raise OverBudget(_refusal(account, request))
    new = Charge(
        key=request.key,
        at=request.at,
        blocks=tuple(block.start_ms for block in chosen),
        until_ms=request.until_ms,
        cost=cost,
        what=request.what,
        automatic=request.automatic,
    )
    charged = {
        block.start_ms: replace(block, spent=renyi.total([block.spent, cost]), charges=block.charges + 1)
        for block in chosen
    }
    kept = {block.start_ms: block for block in account.blocks} | charged
    return replace(
        account,
        blocks=tuple(kept[start] for start in sorted(kept)),
        lifetime=renyi.total([account.lifetime, request.costs[len(chosen) - 1]]),
        charged=account.charged + 1,
        charges=(*account.charges, new)[-REMEMBERED:],
    ), new


def release(account: Account, key: str, release: Release) -> tuple[Account, Charge]:
    """Records what the charge released, unless it has released something already; returns what stands then.
    Raises NotCharged."""
    found = account.find(key)
    if found is None:
        raise NotCharged(f"{key}: nothing was charged for it, so nothing may be released")
    if found.release is not None:
        return account, found
    done = replace(found, release=release)
    charges = tuple(done if one.key == key else one for one in account.charges)
    return replace(account, charges=charges), done


def set_budget(account: Account, change: Raise) -> Account:
    """Sets the budget of one block, or of all that are not there yet. One below what was spent refuses."""
    account = replace(account, raises=(*account.raises, change)[-REMEMBERED:])
    if change.block is None:
        return replace(account, epsilon=change.epsilon, delta=change.delta)
    changed = replace(account.block(change.block), epsilon=change.epsilon, delta=change.delta)
    kept = {block.start_ms: block for block in account.blocks} | {changed.start_ms: changed}
    return replace(account, blocks=tuple(kept[start] for start in sorted(kept)))


def _fits(block: Block, cost: Curve) -> bool:
    return block.epsilon_after(cost) <= block.epsilon


def _refusal(account: Account, request: Request) -> str:
    if not request.candidates:
        return "Refused: no block of time holds a session to read."
    cost = request.costs[0]
    full = [block for block in map(account.block, request.candidates) if not _fits(block, cost)]
    left = [
        f"  {times.told(block.start_ms, account.block_ms)}: {block.epsilon_spent:.2f} of epsilon "
        f"{block.epsilon:g} spent, {block.epsilon_after(cost):.2f} with this run"
        for block in full[:SHOWN]
    ]
    more = [f"  and {len(full) - SHOWN} other blocks that have too little left"] if full[SHOWN:] else []
    following, enough = max(request.candidates) + account.block_ms, math.ceil(full[0].epsilon_after(cost))
    return "\n".join(
        [
            "The privacy budget does not allow this run, and no session was read.",
            *left,
            *more,
            "./vitrine budget shows what it was spent on. To go on, ask for a smaller epsilon, wait for the "
            f"sessions of {times.told(following, account.block_ms)}, which have a budget of their own, or "
            f"raise the budget, on record: ./vitrine budget set --epsilon {enough} --block "
            f'{times.day(full[0].start_ms)} --why "..."',
        ]
    )
