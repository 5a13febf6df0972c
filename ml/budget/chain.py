"""PURE: the chain of the privacy ledger's entries.

Each change of an account is one entry. Its link is the HMAC-SHA-256 of the entry under the ledger's key; the
entry contains the link of the entry before it and a digest of the account after it. So no entry, and nothing
in the account, can be changed, left out or put elsewhere without the key.
"""

import hashlib
import hmac
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import fields, replace

What = Literal["charged", "released", "set", "adopted", "restored"]
RESTARTS: tuple[What, ...] = ("adopted", "restored")
"""Entries with which the chain begins anew; those before are kept for auditors, and no longer checked."""


class Entry(Struct, frozen=True):
    """One change of the account."""

    dataset: str
    sequence: int
    """1 for the first; the next entry has the next number, except one that restarts the chain."""
    previous: str
    """Link of the entry before it."""
    at: str
    what: What
    change: str
    """The charge or the change of a budget, as JSON text: exact in every store."""
    state: str
    """Digest of the account after the change."""
    link: str = ""


def signed(key: bytes, entry: Entry) -> Entry:
    """Returns the entry with its link."""
    return replace(entry, link=signature(key, "entry", replace(entry, link="")))


def is_genuine(key: bytes, entry: Entry) -> bool:
    """True if the entry's link was made from the entry with this key."""
    return hmac.compare_digest(entry.link, signed(key, entry).link)


def signature(key: bytes, kind: str, value: Struct) -> str:
    """Returns the HMAC of `value`. `kind` keeps a signature from serving for something else."""
    return hmac.new(key, f"vitrine ledger {kind}\n".encode() + canonical(value), hashlib.sha256).hexdigest()


def digest(value: Struct) -> str:
    """Returns the SHA-256 of the canonical bytes."""
    return hashlib.sha256(canonical(value)).hexdigest()


def canonical(value: Struct) -> bytes:
    """Returns the bytes that stand for `value`: the same before and after any store, and the same after a
    field with a default was added to its type."""
    # Through JSON and back, so that a number of a field of floats is a float even if an integer was given.
    typed = msgspec.json.decode(msgspec.json.encode(value), type=type(value))
    return msgspec.json.encode(_without_defaults(typed), order="sorted")


def _without_defaults(value: Any) -> Any:
    if isinstance(value, Struct):
        held = {field.name: (getattr(value, field.name), field.default) for field in fields(value)}
        return {name: _without_defaults(has) for name, (has, default) in held.items() if has != default}
    if isinstance(value, (tuple, list)):
        return [_without_defaults(item) for item in value]
    return value
