"""What is left of a session of somebody who was erased. Pure."""

from collections import Counter
from collections.abc import Iterable
from operator import attrgetter

from msgspec.structs import replace

from streaming.contract import erased_session
from streaming.contract.erased_session import Amount, ErasedSession
from streaming.contract.session import LIVE_FEED
from streaming.contract.valid_session import StoredSession
from streaming.person.traces import Traces, names, traces_of
from streaming.summaries.key_limit import OTHER, KeyLimit
from streaming.summaries.product import amounts


def erased(session: StoredSession, limit: KeyLimit, traces: Traces) -> ErasedSession:
    """Returns what is left of `session`. A product or category whose words contain any of `traces`, or of
    what the session itself says of its user, counts as OTHER from now on: window totals hold its words."""
    who, own = session.identity, (session.user_pseudonym, session.session_pseudonym)
    known = traces | traces_of(session) | Traces(names=frozenset({who.session_id, *own}))
    feed = session.feed
    return ErasedSession(
        erased=1,
        session_pseudonym=erased_session.name(
            session.raw_partition, session.raw_offset, session.arrived_at_ms
        ),
        raw_partition=session.raw_partition,
        raw_offset=session.raw_offset,
        arrived_at_ms=session.arrived_at_ms,
        event_time_ms=session.event_time_ms,
        feed=OTHER if feed != LIVE_FEED and names(known, feed) else feed,
        late=session.late,
        amounts=_added_up(_without(one, known) for one in amounts(session, limit)),
    )


def _without(amount: Amount, known: Traces) -> Amount:
    category = OTHER if names(known, amount.category) else amount.category
    if names(known, amount.product_id):
        return replace(amount, product_id=OTHER, product_name=OTHER, category=category)
    name = OTHER if names(known, amount.product_name) else amount.product_name
    return replace(amount, product_name=name, category=category)


_WORDS = attrgetter("product_id", "product_name", "category")
_SUMS = ("views", "carts", "removals", "purchases", "revenue_cents")


def _added_up(of: Iterable[Amount]) -> list[Amount]:
    """Returns one amount for each product, name and category."""
    sums: dict[tuple[str, str, str], Counter[str]] = {}
    for one in of:
        sums.setdefault(_WORDS(one), Counter()).update({name: getattr(one, name) for name in _SUMS})
    return [
        Amount(product_id=product, product_name=name, category=category, **found)
        for (product, name, category), found in sorted(sums.items())
    ]
