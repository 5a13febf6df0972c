"""What a session's user has agreed to: what the session says, else what a setting says of its feed. Pure.

Consent comes before every other rule of the gate: if analytics is refused, the outcome is `no_consent`
whatever else is wrong with the message, and nothing of its content is kept. A refusal counts as far as it can
be read: also in a message that breaks the contract, and in bytes that are no JSON. There whatever is answered
but yes or nothing counts as no, and `"consent": false` too: a mistake may drop what could have been
corrected, but keeps nothing that was refused. What version 1 sends under this name is
not consent.

Consent to analytics is a session's own. So is that to training: whether a row is trained on depends on
nothing but this row and the settings, as the privacy unit needs it (docs/privacy.md). Personalisation is a
matter of the person: one refusal in any of a user's sessions keeps the user out. That depends on no order of
arrival, and a mistake can only keep out too many.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from streaming.contract.feeds import is_named_like_an_import
from streaming.contract.rejection import Reason, RefusedBy, Rejection
from streaming.contract.session import FIRST_VERSION, LIVE_FEED, Consent, Session

Purpose = Literal["analytics", "personalisation", "training"]

IMPORTS = "import"
"""Stands for every import without an entry of its own."""

REFUSALS: Mapping[RefusedBy, Rejection] = {
    "session": Rejection(Reason.NO_CONSENT, "consent: analytics is refused", refused_by="session"),
    "source": Rejection(
        Reason.NO_CONSENT,
        "consent: not said, and VITRINE_CONSENT_BY_FEED refuses analytics",
        refused_by="source",
    ),
}


class _Said(Struct, rename="camel"):
    """The fields that count, of whatever type."""

    schema_version: Any = None
    feed: Any = None
    consent: Any = None


_decoder = msgspec.json.Decoder(_Said)
_SAID = re.compile(r'"consent"\s*+:\s*+(?:(false)\b|\{[^{}]*"analytics"\s*+:\s*+(true\b|null\b|[^\s{}]))')
_READ: Mapping[str, bool | None] = {"true": True, "null": None}
"""Anything else is a refusal."""
_FEED = re.compile(r'"feed"\s*+:\s*+"([^"\\]*+)"')


class Sources(Struct, frozen=True):
    """What users have agreed to whose session does not say, by feed: yes, unless the setting says no."""

    by_feed: Mapping[str, Consent] = {}
    """By feed, or IMPORTS; None is yes."""

    def agree(self, purpose: Purpose, feed: str, answer: bool | None) -> bool:
        """True if the user of a session of `feed` has agreed to `purpose`. `answer`: the session's own; None
        if it has none."""
        if answer is not None:
            return answer
        if not self.by_feed:
            return True
        of_feed = self.by_feed.get(feed)
        if of_feed is None and is_named_like_an_import(feed):
            of_feed = self.by_feed.get(IMPORTS)
        return of_feed is None or getattr(of_feed, purpose) is not False


ALL_AGREED = Sources()


def refused_by(parsed: Session | Rejection, raw: bytes | None, sources: Sources) -> RefusedBy | None:
    """Returns who refuses analytics for the message `raw`, which parses to `parsed`: the session, or, if that
    does not say, its source. None if nobody does."""
    if isinstance(parsed, Session):
        said = parsed.consent
        if said is None and not sources.by_feed:  # an ordinary message: this must cost nothing
            return None
        answer, feed = None if said is None else said.analytics, parsed.feed
    else:
        raw = raw or b""
        if not (sources.by_feed or b"consent" in raw or b"\\u" in raw):
            return None
        answer, feed = _read(raw)
    if answer is None:
        return None if sources.agree("analytics", feed, None) else "source"
    return None if answer else "session"


def analytics_answer(parsed: Session | Rejection, raw: bytes | None) -> bool | None:
    """Returns what the message `raw`, which parses to `parsed`, itself says of analytics; None if nothing."""
    if isinstance(parsed, Session):
        return parsed.consent.analytics if parsed.consent else None
    return _read(raw or b"")[0]


def answer_in(document: Mapping[str, Any], purpose: Purpose) -> bool | None:
    """Returns what a stored session says of `purpose`; None if nothing."""
    answer: bool | None = (document.get("consent") or {}).get(purpose)
    return answer


def _read(raw: bytes) -> tuple[bool | None, str]:
    """Returns the answer to analytics, and the feed, as far as they can be read in a message that is no
    session."""
    try:
        found = _decoder.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _read_leniently(raw.decode(errors="replace"))
    return _answer_and_feed(found.schema_version, found.feed, found.consent)


def _read_leniently(text: str) -> tuple[bool | None, str]:
    """Returns the same for a text that is no JSON by RFC 8259."""
    try:
        fields = json.loads(text)  # it knows NaN, and half a surrogate pair
    except (ValueError, RecursionError):
        answers = {_READ.get(whole or part, False) for whole, part in _SAID.findall(text)} - {None}
        feed = _FEED.search(text)
        return all(answers) if answers else None, feed[1] if feed else LIVE_FEED
    if not isinstance(fields, dict):
        return None, LIVE_FEED
    return _answer_and_feed(fields.get("schemaVersion"), fields.get("feed"), fields.get("consent"))


def _answer_and_feed(version: object, feed: object, consent: object) -> tuple[bool | None, str]:
    answer: object = consent.get("analytics") if isinstance(consent, dict) else None
    if consent is False:
        answer = False
    if type(version) is int and version == FIRST_VERSION:
        answer = None
    return None if answer is None else answer is True, feed if isinstance(feed, str) else LIVE_FEED
