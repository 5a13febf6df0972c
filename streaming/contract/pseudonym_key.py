"""With which key the pseudonyms of a log or a store were made, and that no other may go on with them. Pure.

With another key everybody would become a new user, silently, and every repeat a session of its own.
"""

from collections.abc import Collection, Iterable

from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.valid_session import ValidSession, is_pseudonymous, try_decode

REMEDY = (
    "set VITRINE_PSEUDONYM_KEY to that key, or put .vitrine/run/passwords/pseudonyms back from a backup or "
    "another machine; if it is lost, start with new topics and databases (runbook, Another key of pseudonyms)"
)


class OtherKey(Exception):
    """There are sessions whose pseudonyms were made with another key. The text quotes no key."""


def key_ids(log: Iterable[Iterable[bytes]], pseudonyms: Pseudonyms) -> frozenset[str]:
    """Returns the id of the key of the newest session in `log`, whose partitions yield their messages from
    the newest on; nothing if there is none, or only of gates that knew no pseudonyms. What is no session, or
    only what is left of one, is passed over. Of two keys in one log, the one used last counts: only with it
    can that log go on."""
    newest = [found for values in log if (found := _newest(values, pseudonyms))]
    return frozenset([max(newest)[1]] if newest else [])


def require_same(found: Collection[str], pseudonyms: Pseudonyms, where: str) -> None:
    """Raises OtherKey if there are key ids in `found`, but not the one of `pseudonyms`. `where`: what has
    them, in words for people."""
    if found and pseudonyms.key_id not in found:
        raise OtherKey(
            f"{where} has pseudonyms made with another key (its id is {', '.join(sorted(found))}) than the "
            f"one that is set ({pseudonyms.key_id}), with which everybody would become a new user"
        )


def _newest(values: Iterable[bytes], pseudonyms: Pseudonyms) -> tuple[int, str] | None:
    """Returns arrival and key id of the first session among `values`; None if an earlier gate wrote it."""
    for value in values:
        session = try_decode(value, pseudonyms)
        if isinstance(session, ValidSession):
            return (session.arrived_at_ms, session.pseudonym_key) if is_pseudonymous(value) else None
    return None
