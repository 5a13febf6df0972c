"""Which feeds the gate accepts: the live one, imports, and those that the settings name. Pure.

Sessions of other feeds than the live one escape its horizon and its lateness, so a sender cannot invent one.
Whether a session is rejected for its feed depends on the message and on the setting.
"""

import re
from collections.abc import Collection

from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import LIVE_FEED

IMPORT_DIGITS = 12
_IMPORT = re.compile(f"import-[0-9a-f]{{{IMPORT_DIGITS}}}")

UNKNOWN = Rejection(
    Reason.UNKNOWN_FEED, "feed: not live, not an import's, and not in the setting VITRINE_GATE_FEEDS"
)
TOO_MANY = Rejection(
    Reason.TOO_MANY_IMPORTS, "feed: a new one beyond as many as the setting VITRINE_GATE_IMPORTS_MAX allows"
)


def import_feed(digest: str) -> str:
    """Returns the feed of an import with this SHA-256 digest (hex)."""
    return f"import-{digest[:IMPORT_DIGITS]}"


def is_built_in(feed: str) -> bool:
    """True for the live feed, and for a name that `import_feed` can have made."""
    return feed == LIVE_FEED or _IMPORT.fullmatch(feed) is not None


def is_declared(feed: str, further: Collection[str]) -> bool:
    """True if sessions of `feed` are accepted; `further` are the feeds that the settings name."""
    return is_built_in(feed) or feed in further
