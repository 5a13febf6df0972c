"""PURE: the account with which a person goes on after a ledger was not intact, or was made before the chain.

What may have been lost counts as spent. Where the outer link is genuine, it knows each block as it was last,
and which entries concerned it; everything that the stored account has not seen is wholly spent. Where it is
not, nobody knows what was spent of which block, so all blocks until now are.
"""

from msgspec.structs import replace

from ml.budget.account import Acceptance, Account, Block, Charge, Release
from ml.budget.blocks import block_of
from ml.budget.condition import Condition
from ml.budget.outer_link import OuterLink

LOST = "lost"
"""Digest of what a charge released, where the ledger does not know it any more: so nothing is released
again."""


def adopted(account: Account, deed: Acceptance) -> Account:
    """Returns an account from before the chain as it is, with the decision."""
    return replace(account, acceptances=(*account.acceptances, deed))


def restored(outer: OuterLink, found: Condition, account: Account | None, deed: Acceptance) -> Account:
    """Returns the account after a loss, by a genuine outer link. `account`: the stored one, if genuine."""
    known = {one.block.start_ms: one for one in outer.touched}
    fresh = Account(
        outer.dataset, outer.block_ms, outer.epsilon, outer.delta, closed_before_ms=outer.closed_before_ms
    )
    before = account or fresh
    lost = {start_ms for start_ms, one in known.items() if one.sequence > found.kept}
    if found.kept < outer.sequence:
        lost.update(start_ms for intent in outer.intents for start_ms in intent.blocks)
    newest = {start_ms: one.block for start_ms, one in known.items()}
    newest |= {start_ms: newest.get(start_ms, fresh.block(start_ms)).wholly_spent() for start_ms in lost}
    return replace(
        before,
        epsilon=outer.epsilon,
        delta=outer.delta,
        blocks=_in_order(newest),
        lifetime=outer.lifetime,
        charged=outer.charged,
        charges=before.charges if found.kept >= outer.sequence else _closed(before.charges, deed),
        acceptances=(*before.acceptances, deed),
        closed_before_ms=outer.closed_before_ms,
    )


def begun_anew(fresh: Account, account: Account | None, now_ms: int, deed: Acceptance) -> Account:
    """Returns the account after a loss that nobody knows the extent of. `fresh`: one with the budget of the
    settings. `account`: the stored one, if genuine; its charges are kept to be looked at."""
    before = account or fresh
    closed_before_ms = block_of(now_ms, fresh.block_ms) + fresh.block_ms
    blocks = {
        block.start_ms: replace(block, epsilon=fresh.epsilon, delta=fresh.delta).wholly_spent()
        for block in before.blocks
    }
    return replace(
        before,
        block_ms=fresh.block_ms,
        epsilon=fresh.epsilon,
        delta=fresh.delta,
        blocks=_in_order(blocks),
        charges=_closed(before.charges, deed),
        acceptances=(*before.acceptances, deed),
        closed_before_ms=max(closed_before_ms, before.closed_before_ms),
    )


def _closed(charges: tuple[Charge, ...], deed: Acceptance) -> tuple[Charge, ...]:
    """A charge may have released something that is not recorded any more: it must not do so again."""
    return tuple(replace(one, release=one.release or Release(LOST, "", deed.at)) for one in charges)


def _in_order(blocks: dict[int, Block]) -> tuple[Block, ...]:
    return tuple(blocks[start_ms] for start_ms in sorted(blocks))
