"""Which feeds the gate accepts: the live one, imports, and those that the settings name. Pure.

Sessions of other feeds than the live one escape its horizon and its lateness, so a sender cannot invent one.
The name of an import ends with a mark that only who has a key can make: `./vitrine ingest` makes names, and
who may only send sessions cannot. Whether a session is rejected for its feed depends on the message and on
the settings, so it comes out the same however often the log is read.
"""

import hmac
import re
from functools import lru_cache

from msgspec import Struct

from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import LIVE_FEED

IMPORT_DIGITS, MARK_DIGITS = 12, 24
_IMPORT = re.compile(f"(import-[0-9a-f]{{{IMPORT_DIGITS}}})(?:-([0-9a-f]{{{MARK_DIGITS}}}))?")

UNKNOWN = Rejection(
    Reason.UNKNOWN_FEED,
    "feed: not live, of no import by ./vitrine ingest, and not in the setting VITRINE_GATE_FEEDS",
)
TOO_MANY = Rejection(
    Reason.TOO_MANY_IMPORTS, "feed: a new one beyond as many as the setting VITRINE_GATE_IMPORTS_MAX allows"
)


class ImportKeys(Struct, frozen=True):
    """The secrets by which names of imports are made and known: the first makes them, all are accepted.
    Without a key there are no imports."""

    keys: tuple[str, ...] = ()

    def feed(self, digest: str) -> str:
        """Returns the feed of the import of a file with this SHA-256 digest (hex). Needs a key."""
        stem = f"import-{digest[:IMPORT_DIGITS]}"
        return f"{stem}-{_mark(self.keys[0], stem)}"

    def made(self, feed: str) -> bool:
        """True if one of the keys made this name."""
        return _made(self.keys, feed)

    def is_forged(self, feed: str) -> bool:
        """True if this is a name such as `feed` makes, but none of the keys made it. Without a key nobody
        can tell."""
        found = _IMPORT.fullmatch(feed)
        return bool(self.keys and found and found[2]) and not self.made(feed)

    def __repr__(self) -> str:
        return f"ImportKeys({len(self.keys)})"


NO_KEYS = ImportKeys()


def is_named_like_an_import(feed: str) -> bool:
    """True for a name such as ImportKeys.feed makes, whoever made it, with a mark or, as in earlier releases,
    without."""
    return _IMPORT.fullmatch(feed) is not None


class Feeds(Struct, frozen=True):
    """The feeds that are accepted besides the live one."""

    imports: ImportKeys = NO_KEYS
    named: frozenset[str] = frozenset()
    """Those that the settings name."""

    def accept(self, feed: str) -> bool:
        """True if sessions of `feed` are accepted."""
        return feed == LIVE_FEED or feed in self.named or self.imports.made(feed)


LIVE_ONLY = Feeds()


@lru_cache(1_024)
def _made(keys: tuple[str, ...], feed: str) -> bool:
    found = _IMPORT.fullmatch(feed)
    if found is None or found[2] is None:
        return False
    return any(hmac.compare_digest(_mark(key, found[1]), found[2]) for key in keys)


def _mark(key: str, stem: str) -> str:
    return hmac.new(key.encode(), f"vitrine feed {stem}".encode(), "sha256").hexdigest()[:MARK_DIGITS]
