"""Short-lived labels, which stand for the ids of users and sessions wherever analysts read. Pure.

A label is a keyed hash of the id and of the day: within a day the same person has the same one, the next day
another, and without the key nobody can tell whose it is or follow somebody over days. Whoever has the key
(and therefore the data folder) can: `meant` tries all ids.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Literal

Kind = Literal["user", "session"]
DIGITS = 12
"""48 bits: among a million ids of one day, two share a label with a probability of about one in 500."""
_LABEL = re.compile(rf"(user|session)-([0-9a-f]{{{DIGITS}}})")


def label(key: bytes, kind: Kind, id_: str, day: date) -> str:
    """Returns the label of the user or session `id_` on `day` (UTC)."""
    text = f"label:{day.isoformat()}:{kind}:{id_}"
    digest = hmac.new(key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
    return f"{kind}-{digest[:DIGITS]}"


def kind_of(text: str) -> Kind | None:
    """Returns what `text` is a label of, None if it is no label."""
    if not (found := _LABEL.fullmatch(text)):
        return None
    return "user" if found[1] == "user" else "session"


def meant(key: bytes, text: str, ids: Iterable[str], now: datetime) -> Iterator[str]:
    """Yields those of `ids` that the label `text` stands for, today or yesterday: it may have been shown just
    before midnight. Usually one."""
    if (kind := kind_of(text)) is None:
        return
    today = now.astimezone(UTC).date()
    days = (today, today - timedelta(days=1))
    for id_ in ids:
        if any(label(key, kind, id_, day) == text for day in days):
            yield id_
