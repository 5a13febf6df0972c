"""PURE: what a backup consists of. The manifest is written last, so that a backup without one is torn."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
from msgspec import Raw, Struct

FORMAT = 1
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ")


class Refused(Exception):
    """The backup cannot be restored; the text says why."""


class SavedPart(Struct, frozen=True):
    """One file of a backup."""

    name: str
    bytes: int
    sha256: str
    left_out: tuple[str, ...] = ()
    """What there was and is not in it, with the reason."""


class LogPositions(Struct, frozen=True):
    """How far the stores were behind the log when the backup began. Every record before has been stored."""

    identity: str
    """Of the cluster and its topics: positions in another log mean nothing."""
    committed: dict[str, dict[str, dict[int, int]]]
    """Offset by consumer group, topic and partition; names without prefix."""


class Manifest(Struct, frozen=True):
    """The list of what belongs to a backup."""

    format: int
    name: str
    made_at: str
    """ISO 8601, UTC."""
    log: LogPositions
    parts: tuple[SavedPart, ...]

    def part(self, name: str) -> SavedPart | None:
        """Returns the part called `name`; None if the backup has none."""
        return next((one for one in self.parts if one.name == name), None)


class _Digested(Struct, frozen=True):
    """The content of the file: what a bad disk changes is noticed; against people, only encryption helps."""

    sha256: str
    manifest: Raw


def name_of(moment: datetime) -> str:
    """Returns the name of a backup that begins at `moment`; later ones sort after it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")


def is_name(text: str) -> bool:
    """True if `text` is the name of a backup."""
    return _NAME.fullmatch(text) is not None


def encode(manifest: Manifest) -> bytes:
    """Returns the content of the manifest's file."""
    content = msgspec.json.encode(manifest)
    return msgspec.json.encode(_Digested(sha256(content).hexdigest(), Raw(content)))


def decode(content: bytes, name: str, known: Mapping[str, object]) -> Manifest:
    """Returns the manifest of the backup in the folder `name`. `known`: the parts that can be restored.
    Raises Refused for another format, for parts that nobody knows, and for the manifest of another backup."""
    try:
        digested = msgspec.json.decode(content, type=_Digested)
        found = msgspec.json.decode(digested.manifest, type=Manifest)
        whole = sha256(digested.manifest).hexdigest() == digested.sha256
    except (msgspec.MsgspecError, UnicodeDecodeError):
        whole = False
    if not whole:
        raise Refused(f"the manifest of {name} is torn or altered")
    if found.format != FORMAT or (unknown := {one.name for one in found.parts} - known.keys()):
        what = f"format {found.format}" if found.format != FORMAT else f"parts {', '.join(sorted(unknown))}"
        raise Refused(f"{name} was made by another version of Vitrine, which this one does not know ({what})")
    if found.name != name:
        raise Refused(f"the folder {name} has the manifest of another backup ({found.name})")
    return found
