"""PURE: the outer link of the privacy ledger, which is kept outside MongoDB: the newest link of the chain,
and what has been spent of each block. With it, a ledger that was cut, replaced or restored is recognised, and
it is known what may have been lost.

It is written before and after each change. Before, it announces the entry; after, it has it as the newest.
If the process dies in between, the ledger may or may not have the announced entry, and both are right: the
charge was not returned to its caller, so no row was read for it.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ml.budget import chain
from ml.budget.account import Account, Block
from ml.budget.chain import Entry
from ml.privacy.renyi import NOTHING, Curve


class Touched(Struct, frozen=True):
    """A block as it is now, and the newest entry that concerns it."""

    block: Block
    sequence: int


class Intent(Struct, frozen=True):
    """An announced entry."""

    sequence: int
    link: str
    blocks: tuple[int, ...]
    """The blocks that it concerns."""


class OuterLink(Struct, frozen=True):
    """What is known of the ledger outside the ledger."""

    dataset: str
    block_ms: int
    epsilon: float
    delta: float
    sequence: int = 0
    """Of the newest entry; 0: there is none yet."""
    link: str = ""
    since: int = 1
    """All entries from this one on must exist."""
    lifetime: Curve = NOTHING
    charged: int = 0
    touched: tuple[Touched, ...] = ()
    closed_before_ms: int = 0
    intents: tuple[Intent, ...] = ()
    signature: str = ""

    @property
    def newest(self) -> int:
        """The highest sequence number that an entry may have."""
        return max([self.sequence, *(intent.sequence for intent in self.intents)])

    def announced(self, entry: Entry) -> Intent | None:
        """Returns the intent of this entry."""
        same = (one for one in self.intents if (one.sequence, one.link) == (entry.sequence, entry.link))
        return next(same, None)


def before_any(account: Account) -> OuterLink:
    """Returns the outer link of a ledger whose chain has not begun. Its blocks are those of the account, as
    if the next entry concerned all of them."""
    return OuterLink(
        dataset=account.dataset,
        block_ms=account.block_ms,
        epsilon=account.epsilon,
        delta=account.delta,
        lifetime=account.lifetime,
        charged=account.charged,
        touched=tuple(Touched(block, 1) for block in account.blocks),
        closed_before_ms=account.closed_before_ms,
    )


def announce(outer: OuterLink, entry: Entry, blocks: Iterable[int]) -> OuterLink:
    """Returns the outer link that also announces `entry`. Earlier announcements stay: a write that nobody
    waits for any more may still arrive."""
    return replace(outer, intents=(*outer.intents, Intent(entry.sequence, entry.link, tuple(blocks))))


def settle(outer: OuterLink, account: Account) -> OuterLink:
    """Returns the outer link with the announced entry that the account has as the newest. The outer link is
    returned as it is if the account has none that was announced."""
    entry = account.head
    intent = None if entry is None else outer.announced(entry)
    if entry is None or intent is None:
        return outer
    kept = {one.block.start_ms: one.sequence for one in outer.touched}
    kept |= dict.fromkeys(intent.blocks, entry.sequence)
    return OuterLink(
        dataset=account.dataset,
        block_ms=account.block_ms,
        epsilon=account.epsilon,
        delta=account.delta,
        sequence=entry.sequence,
        link=entry.link,
        since=entry.sequence if entry.what in chain.RESTARTS else outer.since,
        lifetime=account.lifetime,
        charged=account.charged,
        touched=tuple(Touched(account.block(start_ms), kept[start_ms]) for start_ms in sorted(kept)),
        closed_before_ms=account.closed_before_ms,
    )


def sealed(key: bytes, outer: OuterLink) -> bytes:
    """Returns the outer link, signed, as the content of its file."""
    unsigned = replace(outer, signature="")
    signed = replace(unsigned, signature=chain.signature(key, "outer link", unsigned))
    return msgspec.json.format(msgspec.json.encode(signed)) + b"\n"


def opened(key: bytes, content: bytes) -> OuterLink | None:
    """Returns the outer link in the content of its file; None if it was not signed with this key."""
    try:
        outer = msgspec.json.decode(content, type=OuterLink)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return outer if sealed(key, outer) == content else None
