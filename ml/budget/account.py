"""PURE: the account of one data set, and the operations on it. None of them ever lowers what was spent.

The privacy unit is the user within a block: all sessions of a user that arrived in that block of time. A
charge applies to each block that a run reads, and is refused if it would exceed a block's budget (Sage:
Lécuyer, Spahn, Vodrahalli, Geambasu, Hsu, SOSP 2019). A block whose budget is spent is not read again.
"""

import math

from msgspec import Struct
from msgspec.structs import replace

from ml.budget import blocks as times
from ml.budget.chain import Entry
from ml.privacy import renyi
from ml.privacy.renyi import NOTHING, Curve

SHOWN = 5
"""Blocks that a refusal lists."""
REMEMBERED = 400
"""Charges that the account keeps. A request with the key of an older one is charged again, which is safe."""


class Block(Struct, frozen=True):
    """One privacy block and what of its budget is spent."""

    start_ms: int
    epsilon: float
    delta: float
    spent: Curve = NOTHING
    charges: int = 0

    @property
    def epsilon_spent(self) -> float:
        return renyi.epsilon_of(self.spent, self.delta)

    def epsilon_after(self, cost: Curve) -> float:
        """Returns the epsilon that would be spent after one more charge of `cost`."""
        return renyi.epsilon_of(renyi.total([self.spent, cost]), self.delta)

    def wholly_spent(self) -> "Block":
        """Returns the block with nothing left: its curve is at no order below what it was, so that it stays
        sound if the budget is raised later, nor below what uses up the budget at that order."""
        full = renyi.full(self.epsilon, self.delta)
        return replace(self, spent=renyi.highest([self.spent, full]))


class Release(Struct, frozen=True):
    """The one artifact that a charge released."""

    digest: str
    attempt: str
    at: str


class Charge(Struct, frozen=True):
    """What one run took from the budget of each block it reads, for one release."""

    key: str
    at: str
    blocks: tuple[int, ...]
    until_ms: int
    """Sessions that arrived later are not read, even if their block is charged: a retry reads no more than
    the first attempt."""
    cost: Curve
    what: str
    """Models and parameters, in words."""
    automatic: bool = False
    release: Release | None = None


class Request(Struct, frozen=True):
    """A request for a charge."""

    key: str
    """Identifies the release: run, models and parameters. A second request with this key is the same
    charge."""
    candidates: tuple[int, ...]
    """Blocks that could be read, in order of preference."""
    at_most: int
    """Number of blocks to read; candidates without enough budget left are skipped."""
    all_or_nothing: bool
    """True if every candidate must be read."""
    until_ms: int
    costs: tuple[Curve, ...]
    """[m - 1]: what the release costs a user who is in m of its blocks, for m up to the number of blocks; the
    first is what each block is charged."""
    what: str
    at: str
    automatic: bool = False


class Raise(Struct, frozen=True):
    """A change of the budget by a person."""

    at: str
    who: str
    why: str
    epsilon: float
    delta: float
    block: int | None
    """None: all blocks that no run has read yet."""


class Acceptance(Struct, frozen=True):
    """A person's decision to go on with a ledger that was not intact."""

    at: str
    who: str
    why: str
    what: str
    """What the ledger's condition was, and what counts as spent since."""
    complete: bool
    """False if charges may have been lost that nothing remembers: then the lifetime privacy loss is a bound
    for the charges from `at` on and those still known."""


class Account(Struct, frozen=True):
    """Everything that a charge changes, as one document."""

    dataset: str
    block_ms: int
    epsilon: float
    delta: float
    """With `epsilon` the budget of blocks that no run has read yet."""
    version: int = 0
    blocks: tuple[Block, ...] = ()
    lifetime: Curve = NOTHING
    """Privacy loss of a user who was in every block of every charge."""
    charged: int = 0
    charges: tuple[Charge, ...] = ()
    """The newest charges, oldest first."""
    raises: tuple[Raise, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()
    closed_before_ms: int = 0
    """Blocks that start earlier count as wholly spent, also those that are not in `blocks`: what was spent of
    them is not known any more."""
    head: Entry | None = None
    """The newest entry of the chain; None in a ledger from before the chain."""

    def block(self, start_ms: int) -> Block:
        """Returns the block that starts at `start_ms`; a new one with nothing spent if no run has read it."""
        fresh = Block(start_ms, self.epsilon, self.delta)
        if start_ms < self.closed_before_ms:
            fresh = fresh.wholly_spent()
        return next((block for block in self.blocks if block.start_ms == start_ms), fresh)

    def find(self, key: str) -> Charge | None:
        return next((charge for charge in self.charges if charge.key == key), None)

    @property
    def lifetime_epsilon(self) -> float:
        """A bound on what any user has lost in all blocks together, valid at any time, with a block's
        delta. It does not contain charges that were lost, if `lifetime_incomplete`."""
        return renyi.odometer(self.lifetime, self.epsilon, self.delta) * self.epsilon

    @property
    def lifetime_incomplete(self) -> bool:
        """True if charges may have been lost that nothing remembers."""
        return any(not acceptance.complete for acceptance in self.acceptances)


class OverBudget(Exception):
    """The request was refused: nothing was charged, and no row may be read. The message names what is left
    and what the user can do."""


class NotCharged(Exception):
    """There is no charge with this key."""


def charge(account: Account, request: Request) -> tuple[Account, Charge]:
    """Charges `request` to every block it will read; returns the existing charge if there is one with its
    key. Raises OverBudget."""
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
    """Records what the charge `key` released, unless it already has a release. Returns the charge with its
    release, old or new. Raises NotCharged."""
    found = account.find(key)
    if found is None:
        raise NotCharged(f"{key}: nothing was charged for it, so nothing may be released")
    if found.release is not None:
        return account, found
    done = replace(found, release=release)
    charges = tuple(done if one.key == key else one for one in account.charges)
    return replace(account, charges=charges), done


def set_budget(account: Account, change: Raise) -> Account:
    """Sets the budget of one block, or of all that no run has read yet. A block whose budget is below what
    was spent refuses every charge. Raises ValueError for a block of which it is not known what was spent."""
    if change.block is not None and change.block < account.closed_before_ms:
        raise ValueError(
            f"the budget of {times.describe(change.block, account.block_ms)} cannot be set: the part of the "
            "privacy ledger that says what was spent of it was lost"
        )
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
        return "Refused: there is no session to read."
    cost = request.costs[0]
    full = [block for block in map(account.block, request.candidates) if not _fits(block, cost)]
    left = [
        f"  {times.describe(block.start_ms, account.block_ms)}: {block.epsilon_spent:.2f} of epsilon "
        f"{block.epsilon:g} spent, {block.epsilon_after(cost):.2f} with this run"
        for block in full[:SHOWN]
    ]
    more = [f"  and {len(full) - SHOWN} other blocks that have too little left"] if full[SHOWN:] else []
    following = max(max(request.candidates) + account.block_ms, account.closed_before_ms)
    first = full[0]
    raising = (
        ". The budget of the newest block above cannot be raised: what was spent of it was lost"
        if first.start_ms < account.closed_before_ms
        else ", or raise the budget, which is recorded: ./vitrine budget set --epsilon "
        f"{math.ceil(first.epsilon_after(cost))} --block "
        f'{times.day(first.start_ms)} --why "..."'
    )
    return "\n".join(
        [
            "The privacy budget does not allow this run. No session was read.",
            *left,
            *more,
            "./vitrine budget shows what it was spent on. You can request a smaller epsilon, wait for the "
            f"sessions of {times.describe(following, account.block_ms)}, which have a new budget{raising}",
        ]
    )
