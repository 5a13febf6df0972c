"""Version 2 of the session message, shared by all stages and environments. Pure.

A message is one JSON object in UTF-8 with the names below in camel case; its key is `userId`. Unknown fields
are ignored, so that a shop may send more than Vitrine reads. No string may hold control characters or those
that direct bidirectional text (unprintable.py); only review texts may have line ends and tabs. Messages of
version 1, which has no NEWER_FIELDS, are accepted too (first_version.py).
"""

from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

SCHEMA_VERSION = 2
FIRST_VERSION = 1
MAX_MESSAGE_BYTES = 1_000_000
"""A longer raw message is rejected as `too_large`. The raw topic accepts up to RAW_MAX_BYTES (topics.py), so
that the rejection is visible and the original bytes are kept."""
MAX_INTERACTIONS = 10_000
MAX_PAGES = 10_000
EARLIEST_TIME_MS = 946_684_800_000
"""2000-01-01T00:00Z. A time in seconds, the commonest mistake of senders, is decades before it. The parser
checks it, not the type, so that sessions which an earlier release let through can still be read."""
TIME_TOLERANCE_MS = 1_000
"""How far before the session's beginning its interactions and pages may be: durations are rounded."""
UNKNOWN = "unknown"
LIVE_FEED = "live"

Id = Annotated[str, Meta(min_length=1, max_length=128)]
Word = Annotated[str, Meta(min_length=1, max_length=128)]
Text = Annotated[str, Meta(max_length=10_000)]
Name = Annotated[str, Meta(max_length=512)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Amount = Annotated[float, Meta(ge=0, le=1e9)]
TimeMs = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]  # up to the year 9999

Sentiment = Literal["positive", "negative", "neutral"]
Action = Literal["view", "cart", "remove_from_cart", "purchase"]


class Review(Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """A user's review of one product; `sentiment` is the sender's own label, `rating` is in stars."""

    product_id: Id
    rating: Annotated[int, Meta(ge=1, le=5)]
    text: Text
    sentiment: Sentiment


class Consent(Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """What the user has agreed to; None where the shop does not say, so that the setting of the source
    counts."""

    analytics: bool | None = None
    personalisation: bool | None = None
    training: bool | None = None


class PageView(Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """A page, or a step of the checkout, by the name that the shop gives it."""

    page: Word
    time_ms: TimeMs
    """When it was opened, within the session as `interaction_times_ms`."""


class Content(Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """A visit without who it was: all fields of a session but those by which it names a person or itself.

    `actions` and the four product lists are parallel, in the order of the interactions: interaction i is
    `actions[i]` on `product_ids[i]`, with name, price and category at the same index. A product may occur
    several times.
    """

    schema_version: int
    event_time_ms: TimeMs
    """When the session ended, milliseconds since 1970-01-01T00:00Z; not before EARLIEST_TIME_MS."""
    feed: Word = LIVE_FEED
    """Where the session comes from: `live`, the marked name of an import, or a feed that the gate's
    settings name (feeds.py); others are rejected. Only live sessions can be late."""

    gender: Word

    device_type: Word
    operating_system: Word
    browser_type: Word

    product_ids: Annotated[list[Id], Meta(max_length=MAX_INTERACTIONS)]
    product_names: Annotated[list[Name], Meta(max_length=MAX_INTERACTIONS)]
    product_prices: Annotated[list[Amount], Meta(max_length=MAX_INTERACTIONS)]
    """In the session's currency, one price per interaction."""
    product_categories: Annotated[list[Word], Meta(max_length=MAX_INTERACTIONS)]
    actions: Annotated[list[Action], Meta(max_length=MAX_INTERACTIONS)]
    interaction_times_ms: Annotated[list[TimeMs], Meta(max_length=MAX_INTERACTIONS)] | None = None
    """One time per interaction, within the session: from its end less its duration (and TIME_TOLERANCE_MS)
    to its end. None if the shop does not know them."""
    pages: Annotated[list[PageView], Meta(max_length=MAX_PAGES)] | None = None
    """Pages and steps of the checkout in the order in which they were seen. None if the shop does not say;
    it may leave some out, so there need not be `page_views` of them."""

    page_views: Count
    session_duration: Annotated[float, Meta(ge=0, le=31_622_400)]
    """In seconds."""
    clicks: Count

    purchase_made: bool
    amount_spent: Amount
    payment_method_type: Word | None
    """None if nothing was bought."""
    currency: str | None = None
    """A code of ISO 4217, such as `EUR`; None where the shop has only one. The parser checks that it is three
    capital letters, in a tenth of the time that a pattern here would take."""
    reviews: Annotated[list[Review], Meta(max_length=1_000)]

    referrer: Word
    channel: Word | None = None
    """How the visit was won, such as `paid search` or `newsletter`."""
    campaign: Word | None = None
    """The campaign that won it, as in the link that was followed."""
    country: Word
    state: Word
    city: Word
    consent: Consent | None = None
    """None is as without an answer to any question."""


class Session(Content, frozen=True, rename="camel", kw_only=True, gc=False):
    """One visit of one user, complete when it ended, as a shop sends it."""

    # The last fields, and no others after them: the gate cuts them off the encoded session.
    session_id: Id
    """Of this visit among those of the user: two users may have the same."""
    user_id: Id
    name: Name
    email: Name
    zip_code: Word


NEWER_FIELDS = ("interaction_times_ms", "pages", "currency", "channel", "campaign", "consent")
"""Those that version 2 has brought. All may be left out."""


class Dated(Protocol):
    """The fields by which a session is too old, or late."""

    @property
    def event_time_ms(self) -> int: ...
    @property
    def feed(self) -> str: ...


class Visit(Dated, Protocol):
    """The fields of a session that deduplication and the counting of users need."""

    @property
    def session_pseudonym(self) -> str: ...
    @property
    def user_pseudonym(self) -> str: ...
    @property
    def device_type(self) -> str: ...
    @property
    def referrer(self) -> str: ...
    @property
    def country(self) -> str: ...


PARALLEL_FIELDS = ("product_ids", "product_names", "product_prices", "product_categories", "actions")
