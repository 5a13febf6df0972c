"""PURE: whether the privacy ledger is intact, and what to do if it is not."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from ml.budget import chain
from ml.budget.account import Account
from ml.budget.chain import Entry
from ml.budget.outer_link import Intent, OuterLink

State = Literal["new", "intact", "shorter", "forged", "unanchored"]

NOTHING_IS_CHARGED = "Nothing is charged and no session is read for a model until this is settled."
FIND_OUT = (
    "If you did not restore a backup, find out who could write to MongoDB. Either put the newest copy of the "
    "collections privacy_budget and privacy_record back, or go on with what is there: ./vitrine budget "
    'accept-restored --why "..."'
)
WHAT_COUNTS = {
    "shorter": "which counts as wholly spent each block that an entry concerned since",
    "forged": "which believes nothing in MongoDB, and counts as wholly spent each block that was ever "
    "charged; if not even the outer link can be believed, all blocks until now",
    "unanchored": "which counts as wholly spent all blocks until now, charged or not",
}
REMEDIES = {state: f"{NOTHING_IS_CHARGED} {FIND_OUT}, {counts}." for state, counts in WHAT_COUNTS.items()}
UNCHAINED = (
    "it was made before its entries were chained, and has no outer link yet",
    f"{NOTHING_IS_CHARGED} Look at its charges, and if they are all there, adopt it, once: ./vitrine budget "
    'adopt --why "..."',
)


class Stored(Struct, frozen=True):
    """What MongoDB has of one data set."""

    account: Account | None
    entries: tuple[Entry, ...]
    """Read before the account, so that it is never older than they are."""
    readable: bool = True
    """False if there is an account, but in no form that an account has."""

    @property
    def nothing(self) -> bool:
        """True if there is neither an account nor an entry."""
        return self.account is None and self.readable and not self.entries


class Condition(Struct, frozen=True):
    """What a look at the ledger and its outer link has found."""

    state: State
    why: str = ""
    remedy: str = ""
    pending: Intent | None = None
    """The announced entry that the account has, and the outer link has not as its newest yet."""
    kept: int = 0
    """The newest entry whose account is stored and genuine."""
    unchained: bool = False
    """True if the ledger is from before the chain."""

    @property
    def intact(self) -> bool:
        return self.state in ("new", "intact")

    def told(self) -> str:
        """Returns what is wrong and what to do."""
        return f"The privacy ledger is {self.state}: {self.why}. {self.remedy}"


class LedgerBroken(Exception):
    """The privacy ledger is not intact: nothing may be charged, nor read for a model. The message says what
    to do."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(condition.told())
        self.condition = condition


def is_genuine(key: bytes, dataset: str, account: Account) -> bool:
    """True if the account is one that the ledger of `dataset` had at some time."""
    head = account.head
    return (
        head is not None
        and head.dataset == account.dataset == dataset
        and chain.is_genuine(key, head)
        and head.state == chain.digest(replace(account, head=None))
    )


def examine(key: bytes | None, outer: OuterLink | None, sealed: bool, stored: Stored) -> Condition:
    """Returns the condition of the ledger. `key`: None if there is none. `outer`: None if there is no outer
    link, or if it is not genuine, in which case `sealed` is True."""
    if outer is None and not sealed:
        return Condition("new") if stored.nothing else _without_outer_link(stored)
    if key is None:
        return _broken("unanchored", "the key of its links is missing; put it back if you have a copy")
    if outer is None:
        return _broken(
            "forged", "its outer link was changed, or signed with another key than the present one"
        )
    found = _compare(key, outer, stored)
    if found.intact or found.state == "unanchored":
        return found
    return replace(found, kept=_kept(key, outer, stored.account))


def _kept(key: bytes, outer: OuterLink, account: Account | None) -> int:
    if account is None or account.head is None or not is_genuine(key, outer.dataset, account):
        return 0
    head = account.head
    older = head.sequence < outer.sequence
    return head.sequence if older or head.link == outer.link or outer.announced(head) else 0


def _compare(key: bytes, outer: OuterLink, stored: Stored) -> Condition:
    if not stored.readable:
        return _broken("forged", "its document in privacy_budget is not one that Vitrine wrote")
    account = stored.account
    if account is None:
        if outer.sequence == 0 and not outer.touched and not stored.entries:
            return Condition("intact")
        return _broken("shorter", f"{_newest(outer)}, and MongoDB has no document of it in privacy_budget")
    if account.head is None:
        if outer.sequence == 0:
            return _unchained()
        return _broken("shorter", f"{_newest(outer)}, and MongoDB has a document from before the chain")
    if not is_genuine(key, outer.dataset, account):
        return _broken("forged", "its document in privacy_budget was changed, or signed with another key")
    pending = outer.announced(account.head)
    if pending is None and (wrong := _wrong_head(outer, account.head)):
        return wrong
    since = account.head.sequence if pending and account.head.what in chain.RESTARTS else outer.since
    wrong = _wrong_entries(key, outer, account.head, since, stored.entries)
    return wrong or Condition("intact", pending=pending)


def _wrong_head(outer: OuterLink, head: Entry) -> Condition | None:
    """Compares an account that was not announced with the outer link."""
    if head.sequence < outer.sequence:
        return _broken("shorter", f"{_newest(outer)}, and the newest in MongoDB is {head.sequence}")
    if head.sequence > outer.sequence:
        return _broken(
            "unanchored",
            f"its outer link is older than the ledger: it ends with entry {outer.sequence}, and MongoDB with "
            f"{head.sequence}. Was the folder of the outer link restored from a backup? It never may be",
        )
    if head.link != outer.link:
        return _broken("forged", f"entry {head.sequence} is not the one that was charged")
    return None


def _wrong_entries(
    key: bytes, outer: OuterLink, head: Entry, since: int, entries: Sequence[Entry]
) -> Condition | None:
    """Checks the entries from `since` on. The head's own may be missing if it is only announced."""
    held: dict[int, Entry] = {}
    for entry in entries:
        genuine = entry.dataset == outer.dataset and chain.is_genuine(key, entry)
        if since <= entry.sequence <= head.sequence and not genuine:
            return _broken("forged", f"entry {entry.sequence} in privacy_record was changed")
        # Above the head, what is not genuine was never an entry, and means nothing.
        if genuine and entry.sequence >= since:
            held[entry.sequence] = entry
    if since <= outer.sequence:
        missing = [number for number in range(since, outer.sequence + 1) if number not in held]
        if missing:
            return _broken("shorter", f"entry {missing[0]} is missing in privacy_record, of {outer.sequence}")
    previous: Entry | None = None
    for number in sorted(held):
        entry = held[number]
        if number > head.sequence:
            return _broken("shorter", f"its document in privacy_budget is older than entry {number}")
        if number == head.sequence and entry.link != head.link:
            return _broken("forged", f"entry {number} in privacy_record is not that of its document")
        if previous is not None and entry.previous != previous.link:
            return _broken("forged", f"entry {number} in privacy_record does not follow the one before it")
        previous = entry
    return None


def _newest(outer: OuterLink) -> str:
    return f"its newest entry was {outer.sequence}"


def _broken(state: State, why: str) -> Condition:
    return Condition(state, why, REMEDIES[state])


def _unchained() -> Condition:
    return Condition("unanchored", *UNCHAINED, unchained=True)


def _without_outer_link(stored: Stored) -> Condition:
    if stored.account is not None and stored.account.head is None and not stored.entries:
        return _unchained()
    return _broken("unanchored", "its outer link is missing; put it back only if nothing was charged since")
