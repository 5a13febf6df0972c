"""By what persons are recognised in bytes that anybody may have written. Pure.

A person is asked for by pseudonym, so every whole string is compared by its own. What is known of them
besides, ids and e-mail addresses, is looked for within strings too, in any case and however it is escaped;
but only between characters that belong to no word, as `ann@example.org` is not in `joann@example.org`. What
is of digits alone is looked for as a whole string, and short ids only where a user id stands: a product or a
count may be the same.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import unescape
from unicodedata import normalize
from urllib.parse import unquote

from msgspec import Struct

from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.session import Consent, PageView, Review, Session
from streaming.contract.valid_session import StoredSession

SHORTEST, SHORTEST_NUMBER = 5, 8
"""Characters of what is looked for anywhere."""
_ESCAPES_IN_ESCAPES = 4
_FIELDS = frozenset(
    name for of in (Session, Review, Consent, PageView) for name in of.__struct_encode_fields__
)
"""Names that every message has, and somebody's id may be one of them."""
_USER_ID = re.compile(r"user_?id", re.IGNORECASE)
_QUOTED = re.compile(r"""["']([^"']{1,1024})["']""")
_NAMED = re.compile(
    r"""user_?id["']?\s{0,8}[:=]\s{0,8}(?:"([^"]{1,512})"|'([^']{1,512})'|([^"'\s,;&}\]]{1,512}))""",
    re.IGNORECASE,
)
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\"'\\/]))")


class Traces(Struct, frozen=True):
    """What is known of one person."""

    found_by: frozenset[str] = frozenset()
    """User ids and e-mail addresses: nobody else has them."""
    names: frozenset[str] = frozenset()
    """What else is theirs, though others may have it too."""

    def __or__(self, other: "Traces") -> "Traces":
        return Traces(self.found_by | other.found_by, self.names | other.names)


def traces_of(session: StoredSession) -> Traces:
    """Returns what a session says about whose it is."""
    who = session.identity
    found_by = {who.user_id, *({who.email} if "@" in who.email else ())}
    return Traces(frozenset(found_by), frozenset({who.name, who.email} - {""}))


def folded(text: str) -> str:
    """Returns `text` without what a spelling may change: case, and how letters are composed."""
    return normalize("NFKC", text).casefold()


class Persons:
    """The persons that are asked for, by pseudonym, with what is known of each."""

    def __init__(self, pseudonyms: Pseudonyms, known: Mapping[str, Traces]) -> None:
        self._pseudonyms, self._known = pseudonyms, known
        self._whole: dict[str, set[str]] = {}
        self._within: dict[str, set[str]] = {}
        for person, traces in known.items():
            for trace in map(folded, {person, *traces.found_by}):
                self._whole.setdefault(trace, set()).add(person)
                if _is_distinctive(trace) and not trace.isdecimal():
                    self._within.setdefault(trace, set()).add(person)
        longest_first = sorted(self._within, key=len, reverse=True)
        alternatives = "|".join(map(re.escape, longest_first))
        self._search = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)") if alternatives else None

    def __contains__(self, user_pseudonym: str) -> bool:
        return user_pseudonym in self._known

    @property
    def pseudonyms(self) -> frozenset[str]:
        """Of all persons asked for."""
        return frozenset(self._known)

    def traces(self, user_pseudonym: str) -> Traces:
        """Returns what is known of one of them."""
        return self._known[user_pseudonym]

    def in_message(self, key: bytes | None, value: bytes | None) -> set[str]:
        """Returns the pseudonyms of the persons whom a message names, whatever its bytes are."""
        found: set[str] = set()
        for text in _texts(key or b""):
            found |= self._in_string(text, is_user_id=True)
        for text in _texts(value or b""):
            for string, is_user_id in _strings(text) or _perhaps_strings(text):
                found |= self._in_string(string, is_user_id)
        return found

    def _in_string(self, string: str, is_user_id: bool) -> set[str]:
        """`is_user_id`: whether it stands where a user id does."""
        found: set[str] = set()
        for text in _readings(string):
            plain = folded(text)
            if is_user_id or _is_distinctive(plain.strip()):
                for spelling in {text, text.strip()}:
                    person = self._pseudonyms.user(spelling)
                    if person in self._known:
                        found.add(person)
                found |= self._whole.get(plain.strip(), set())
            if self._search is not None:
                for match in self._search.finditer(plain):
                    found |= self._within[match[0]]
        return found


def names(traces: Traces, text: str) -> bool:
    """True if `text`, of the person's own session, contains anything that is known of them."""
    plain = {folded(reading) for reading in _readings(text)}
    for trace in map(folded, traces.found_by | traces.names):
        if not trace:
            continue
        if any(trace in one if len(trace) >= SHORTEST else trace == one.strip() for one in plain):
            return True
    return False


def _is_distinctive(trace: str) -> bool:
    return len(trace) >= (SHORTEST_NUMBER if trace.isdecimal() else SHORTEST)


def _texts(content: bytes) -> Iterator[str]:
    """Yields `content` as text in the encodings that senders use by mistake."""
    if not content:
        return
    try:
        yield content.decode("utf-8-sig")
    except UnicodeDecodeError:
        yield content.decode(errors="replace")
        yield content.decode("latin-1")
    if b"\0" in content:  # UTF-16 and UTF-32, of which plain letters have zeros beside them
        yield content.replace(b"\0", b"").decode("latin-1")
        for encoding in ("utf-16-le", "utf-16-be"):
            yield content.decode(encoding, errors="replace")


def _readings(text: str) -> Iterator[str]:
    """Yields `text`, and what is left of it after each time that escapes in it are resolved."""
    for _ in range(_ESCAPES_IN_ESCAPES):
        text = text.encode("utf-16-le", errors="surrogatepass").decode("utf-16-le", errors="replace")
        yield text
        if not any(mark in text for mark in "\\%&+"):
            return
        plain = unescape(unquote(_ESCAPED.sub(_character, text)))
        if plain == text:
            plain = text.replace("+", " ")
        if plain == text:
            return
        text = plain


def _character(escape: "re.Match[str]") -> str:
    code = escape[1] or escape[2]
    return chr(int(code, 16)) if code else escape[3]


def _strings(text: str) -> list[tuple[str, bool]]:
    """Returns all strings in a JSON text, and numbers where user ids stand, each with whether it stands
    there; nothing if it is no JSON."""
    found: list[tuple[str, bool]] = []

    def pairs(of: list[tuple[str, object]]) -> None:
        for name, value in of:
            if name not in _FIELDS:
                found.append((name, False))
            is_user_id = _USER_ID.fullmatch(name) is not None
            if is_user_id and isinstance(value, int | float) and not isinstance(value, bool):
                found.append((str(value), True))
            values(value, is_user_id)

    def values(value: object, is_user_id: bool = False) -> None:
        if isinstance(value, str):
            found.append((value, is_user_id))
        elif isinstance(value, list):
            for one in value:
                values(one, is_user_id)

    try:
        values(json.loads(text, strict=False, object_pairs_hook=pairs))
    except (ValueError, RecursionError):
        return []
    return found


def _perhaps_strings(text: str) -> Iterator[tuple[str, bool]]:
    """Yields what is no JSON, or cut off, as a whole, and what may be a string in it."""
    yield text, False
    yield from ((one, False) for one in _QUOTED.findall(text))
    yield from ((one, True) for found in _NAMED.findall(text) for one in found if one)


def together(of: Iterable[Traces]) -> Traces:
    """Returns all that is known."""
    known = Traces()
    for one in of:
        known |= one
    return known
