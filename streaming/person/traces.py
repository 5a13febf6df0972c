"""By what persons are recognised in bytes that anybody may have written. Pure.

A person is asked for by pseudonym, so every whole string is compared by its own. What is known of them
besides, ids and e-mail addresses, is looked for within strings too, in any case and however it is escaped;
but only between characters that belong to no word, as `ann@example.org` is not in `joann@example.org`. What
is of digits alone is looked for as a whole string, and short ids only where a user id stands: a product or a
count may be the same.

Where a message says whose it is, and that is somebody else, nobody is looked for in fields that have one of a
few words: an id may be such a word (`desktop`). Only addresses are.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import cache
from html import unescape
from unicodedata import combining, normalize
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
_USER_ID = re.compile(r"user_?(?:id|pseudonym)", re.IGNORECASE)
_OF_FEW_WORDS = (
    "gender", "deviceType", "operatingSystem", "browserType", "paymentMethodType", "referrer", "channel",
    "campaign", "country", "state", "city", "feed", "currency", "actions", "productCategories", "sentiment",
)  # fmt: skip
_FEW_WORDS = re.compile(
    rf"""["'](?:{"|".join(_OF_FEW_WORDS)})["']\s*+:\s*+(?:"([^"]*+)"|'([^']*+)'|(\[[^\[\]]*+\]))"""
)
_QUOTED = re.compile(r"""(?=(?:"([^"]{1,1024})"|'([^']{1,1024})'))""")
"""Of every pair: one that is none, as after an apostrophe, must not hide the next."""
_HAS_SIGN = re.compile(r"[@\ufe6b\uff20%\\&]")
"""What has none of these has no address, however it is escaped."""
_NAMED = re.compile(
    r"""user_?(?:id|pseudonym)["']?\s{0,8}[:=]\s{0,8}(?:"([^"]{1,512})"|'([^']{1,512})'|([^"'\s,;&}\]]{1,512}))""",
    re.IGNORECASE,
)
_ZEROS = re.compile(r"(&#[xX]?)0+(?=[0-9a-fA-F])")
_NO_CHARACTER = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
"""Beyond any code point; unescape() raises at thousands of digits."""
_COMBINING_END = 0x20000
"""No character from here on combines with the one before it."""
_LONGEST_RUN = 30
"""Of combining characters, as in Unicode's Stream-Safe Text Format: sorting them takes a time quadratic in
their number."""
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\"'\\/]))")


class Place(Enum):
    """Where in a message a string stands."""

    USER_ID = "where a user id does"
    FEW_WORDS = "in a field that has one of a few words"
    ELSEWHERE = "anywhere else"


class Named(Struct, frozen=True):
    """Whom a message names, by pseudonym."""

    persons: frozenset[str]
    own: frozenset[str]
    """Those of them whose message it may be: all, unless it says whose it is."""


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
    """Returns `text` without what a spelling may change: case, and how letters are composed. Of a longer run
    of combining characters than any language has, the first ones count."""
    if text.isascii():
        return text.lower()
    return normalize("NFKC", _combining_run().sub(r"\1", text)).casefold()


@cache
def _combining_run() -> "re.Pattern[str]":
    """Also of characters that only become combining ones when they are normalized."""
    those = (chr(code) for code in range(0x300, _COMBINING_END) if is_combining(chr(code)))
    one = f"[{''.join(map(re.escape, those))}]"
    return re.compile(f"({one}{{{_LONGEST_RUN}}}){one}+")


def is_combining(character: str) -> bool:
    """True if what `character` is normalized to has no character that stands by itself."""
    return all(map(combining, normalize("NFKD", character)))


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

    def in_message(self, key: bytes | None, value: bytes | None) -> frozenset[str]:
        """Returns the pseudonyms of the persons whom a message names, whatever its bytes are."""
        return self.look(key, value).persons

    def look(self, key: bytes | None, value: bytes | None) -> Named:
        """Returns whom a message names, and whose of them it is."""
        found: dict[Place, set[str]] = {place: set() for place in Place}
        addressed, says = set[str](), False
        for text in _texts(key or b""):
            found[Place.ELSEWHERE] |= self._in_string(text, is_user_id=True)
        for text in _texts(value or b""):
            for string, place in set(_strings(text) or _perhaps_strings(text)):
                is_user_id = place is Place.USER_ID
                says |= is_user_id and bool(string.strip())
                found[place] |= self._in_string(string, is_user_id)
                if place is Place.FEW_WORDS and _HAS_SIGN.search(string):
                    addressed |= self._in_string(string, is_user_id, only="@")
        own, elsewhere, few = found[Place.USER_ID], found[Place.ELSEWHERE] | addressed, found[Place.FEW_WORDS]
        if not says:
            everybody = frozenset(own | elsewhere | few)
            return Named(everybody, everybody)
        return Named(frozenset(own | elsewhere), frozenset(own))

    def _in_string(self, string: str, is_user_id: bool, only: str = "") -> set[str]:
        """`is_user_id`: whether it stands where a user id does. `only`: what a trace must have in it."""
        found: set[str] = set()
        for text in _readings(string):
            plain = folded(text)
            if is_user_id or (only in plain and _is_distinctive(plain.strip())):
                for spelling in {text, text.strip()}:
                    person = self._pseudonyms.user(spelling)
                    if person in self._known:
                        found.add(person)
                found |= self._whole.get(plain.strip(), set())
            if self._search is not None:
                for match in self._search.finditer(plain):
                    if only in match[0]:
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
        plain = _unescaped(unquote(_ESCAPED.sub(_character, text)))
        if plain == text:
            plain = text.replace("+", " ")
        if plain == text:
            return
        text = plain


def _unescaped(text: str) -> str:
    return unescape(_NO_CHARACTER.sub("\ufffd", _ZEROS.sub(r"\1", text))) if "&" in text else text


def _character(escape: "re.Match[str]") -> str:
    code = escape[1] or escape[2]
    return chr(int(code, 16)) if code else escape[3]


def _strings(text: str) -> list[tuple[str, Place]]:
    """Returns all strings in a JSON text, and numbers where user ids stand, each with where it stands;
    nothing if it is no JSON."""
    found: list[tuple[str, Place]] = []

    def pairs(of: list[tuple[str, object]]) -> None:
        for name, value in of:
            if name not in _FIELDS:
                found.append((name, Place.ELSEWHERE))
            place = _place(name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if place is Place.USER_ID and is_number:
                found.append((str(value), place))
            values(value, place)

    def values(value: object, place: Place = Place.ELSEWHERE) -> None:
        if isinstance(value, str):
            found.append((value, place))
        elif isinstance(value, list):
            for one in value:
                values(one, place)

    try:
        values(json.loads(text, strict=False, object_pairs_hook=pairs))
    except (ValueError, RecursionError):
        return []
    return found


def _place(name: str) -> Place:
    if _USER_ID.fullmatch(name):
        return Place.USER_ID
    return Place.FEW_WORDS if name in _OF_FEW_WORDS else Place.ELSEWHERE


def _perhaps_strings(text: str) -> Iterator[tuple[str, Place]]:
    """Yields what is no JSON, or cut off, as a whole, and what may be a string in it."""
    for of_few in _FEW_WORDS.findall(text):
        yield from ((one, Place.FEW_WORDS) for one in of_few if one)
    rest = _FEW_WORDS.sub(" ", text)
    yield rest, Place.ELSEWHERE
    for quoted in _QUOTED.findall(rest):
        yield from ((one, Place.ELSEWHERE) for one in quoted if one)
    yield from ((one, Place.USER_ID) for found in _NAMED.findall(rest) for one in found if one)


def together(of: Iterable[Traces]) -> Traces:
    """Returns all that is known."""
    known = Traces()
    for one in of:
        known |= one
    return known
