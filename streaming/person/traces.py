"""By what persons are recognised in bytes that anybody may have written. Pure.

A person is asked for by pseudonym, so every whole string is compared by its own. What is known of them
besides, ids and e-mail addresses, is looked for within strings too, in any case and however it is escaped;
but only between characters that belong to no word, as `ann@example.org` is not in `joann@example.org`. Short
ids and those of digits alone are looked for as whole strings only: they are parts of many things.
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

SHORTEST_WITHIN = 5
"""Characters of what is looked for within longer strings."""
_ESCAPES_IN_ESCAPES = 4
_FIELDS = frozenset(
    name for of in (Session, Review, Consent, PageView) for name in of.__struct_encode_fields__
)
"""Names that every message has, and somebody's id may be one of them."""
_USER_ID = re.compile(r"user_?id", re.IGNORECASE)
_QUOTED = re.compile(r"""["']([^"']{1,1024})["']""")
_NAMED = re.compile(r"""user_?id["'\s:=]{1,8}([^"'\s,;&}\]]{1,512})""", re.IGNORECASE)
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
                kind = self._within if _is_distinctive(trace) else self._whole
                kind.setdefault(trace, set()).add(person)
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
            found |= self._in_string(text)
        for text in _texts(value or b""):
            strings = _strings(text)
            if strings is None:  # no JSON, or cut off: all of it, and what may be a string in it
                strings = [text, *_QUOTED.findall(text), *_NAMED.findall(text)]
            for string in strings:
                found |= self._in_string(string)
        return found

    def _in_string(self, string: str) -> set[str]:
        found: set[str] = set()
        for text in _readings(string):
            for spelling in {text, text.strip()}:
                person = self._pseudonyms.user(spelling)
                if person in self._known:
                    found.add(person)
            plain = folded(text)
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
        if any(trace in one if len(trace) >= SHORTEST_WITHIN else trace == one.strip() for one in plain):
            return True
    return False


def _is_distinctive(trace: str) -> bool:
    return len(trace) >= SHORTEST_WITHIN and not trace.isdecimal()


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


def _strings(text: str) -> list[str] | None:
    """Returns all strings in a JSON text, and what stands as an id; None if it is no JSON."""
    found: list[str] = []

    def pairs(of: list[tuple[str, object]]) -> None:
        for name, value in of:
            if name not in _FIELDS:
                found.append(name)
            if _USER_ID.fullmatch(name) and isinstance(value, int | float) and not isinstance(value, bool):
                found.append(str(value))
            values(value)

    def values(value: object) -> None:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list):
            for one in value:
                values(one)

    try:
        values(json.loads(text, strict=False, object_pairs_hook=pairs))
    except (ValueError, RecursionError):
        return None
    return found


def together(of: Iterable[Traces]) -> Traces:
    """Returns all that is known."""
    known = Traces()
    for one in of:
        known |= one
    return known
