"""The form of the access record: one JSON object a line, in one file a month. Pure.

An entry never holds the id of a session or a user. It holds the id's keyed hash: whoever has the key, and an
id, finds out who looked at it; the record by itself names nobody who was looked at.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
from msgspec import Struct

Deed = Literal[
    "explanation",
    "exact figures",
    "score",
    "single visitors",
    "look-up",
    "export",
    "erasure",
    "budget change",
    "budget change refused",
    "backup",
    "restore",
]
LONGEST_TEXT = 500
KEY_BYTES = 32
_FILE = re.compile(r"(\d{4})-(\d\d)\.jsonl")


class Entry(Struct, frozen=True, omit_defaults=True):
    """One deed."""

    at: str
    """RFC 3339, UTC."""
    who: str
    """`airflow:` and the user of Airflow, or `os:` and the user of the machine."""
    did: Deed
    what: str
    """Model, run, panel, file or budget; never whose."""
    whose: str | None = None
    """`session:` or `user:` and the keyed hash of the id; None where it is about no single person."""
    why: str | None = None
    """As the person said."""


def entry(
    now: datetime, who: str, did: Deed, what: str, whose: str | None = None, why: str | None = None
) -> Entry:
    """Returns the entry of a deed done now; long texts are cut, so that a line stays short."""
    at = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    reason = (why or "").strip()[:LONGEST_TEXT] or None
    return Entry(at, who[:LONGEST_TEXT], did, what[:LONGEST_TEXT], whose, reason)


def whose(key: bytes, kind: Literal["session", "user"], id_: str) -> str:
    """Returns what an entry says instead of an id: always the same under one key."""
    digest = hmac.new(key, f"{kind}:{id_}".encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
    return f"{kind}:{digest[:32]}"


def line(written: Entry) -> bytes:
    """Returns the entry as one line, its line break included."""
    return msgspec.json.encode(written) + b"\n"


def read(text: bytes) -> Entry | None:
    """Returns the entry in a line, None if it is none: a full disk may have cut it."""
    try:
        return msgspec.json.decode(text, type=Entry)
    except msgspec.MsgspecError:
        return None


def file_name(now: datetime) -> str:
    """Returns the name of the file that an entry of now belongs to."""
    return now.astimezone(UTC).strftime("%Y-%m.jsonl")


def expired(name: str, now: datetime, keep_days: int) -> bool:
    """True if `name` is a file whose month ended more than `keep_days` ago."""
    if not (found := _FILE.fullmatch(name)):
        return False
    year, month = int(found[1]), int(found[2])
    if not 1 <= month <= 12:
        return False
    after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return after + timedelta(days=keep_days) <= now


def is_file(name: str) -> bool:
    """True if `name` is that of one of the record's files."""
    return _FILE.fullmatch(name) is not None
