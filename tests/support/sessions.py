"""One valid session, for tests to vary.

A woman in Berlin who looked around for a minute and touched no product, at five in the morning of the first
day of 2000.
"""

import os

import msgspec

from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.session import PARALLEL_FIELDS, SCHEMA_VERSION, Session
from streaming.contract.valid_session import StoredSession, admit

HOUR_MS = 3_600_000
ENDED_AT_MS = 946_684_800_000 + 5 * HOUR_MS + 1

_SESSION = Session(
    schema_version=SCHEMA_VERSION,
    session_id="s1",
    event_time_ms=ENDED_AT_MS,
    user_id="u1",
    name="Ada Lovelace",
    email="ada@example.org",
    gender="female",
    device_type="desktop",
    operating_system="Linux",
    browser_type="Firefox",
    product_ids=[],
    product_names=[],
    product_prices=[],
    product_categories=[],
    actions=[],
    page_views=3,
    session_duration=61.5,
    clicks=7,
    purchase_made=False,
    amount_spent=0,
    payment_method_type=None,
    reviews=[],
    referrer="Google",
    country="Germany",
    state="Berlin",
    city="Berlin",
    zip_code="10115",
)
KEY = os.environ.get("VITRINE_PSEUDONYM_KEY") or "a key for the tests of Vitrine"
"""The running stack's, if there is one."""
PSEUDONYMS = Pseudonyms(KEY)
_SESSION_FIELDS = frozenset(Session.__struct_fields__)


def session(**changed: object) -> Session:
    """As a shop sends it, with these fields changed."""
    return msgspec.structs.replace(_SESSION, **changed)


def valid_session(**changed: object) -> StoredSession:
    """As the gate lets it through, with these fields changed."""
    of_session = {name: changed.pop(name) for name in _SESSION_FIELDS & changed.keys()}
    found = admit(
        session(**of_session),
        PSEUDONYMS,
        user_kind="new",
        late=False,
        raw_partition=0,
        raw_offset=0,
        arrived_at_ms=ENDED_AT_MS + 1,
    )
    return msgspec.structs.replace(found, **changed)


def known_as(of: Session) -> str:
    """The session's pseudonym."""
    return PSEUDONYMS.both(of.user_id, of.session_id)[1]


def session_with(*interactions: tuple[str, str, float, str, str], **changed: object) -> StoredSession:
    """A valid session with these (product id, name, price, category, action), and these fields changed."""
    columns = [list(column) for column in zip(*interactions, strict=True)] or [[], [], [], [], []]
    return valid_session(**dict(zip(PARALLEL_FIELDS, columns, strict=True)), **changed)


def raw_value(**changed: object) -> bytes:
    """As it is on the raw topic, with these fields changed."""
    return msgspec.json.encode(session(**changed))


def earlier_message(of: StoredSession) -> bytes:
    """As a gate wrote it that knew no pseudonyms: with the ids among the other fields."""
    fields = msgspec.to_builtins(of)
    identity = fields.pop("identity")
    for name in ("userPseudonym", "sessionPseudonym", "pseudonymKey"):
        del fields[name]
    return msgspec.json.encode(fields | identity)
