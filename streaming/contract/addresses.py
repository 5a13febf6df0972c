"""Finds e-mail addresses where none belong, and masks them before a session goes further. Pure.

An address has a field of its own. But shops put it into links, so that it comes as a referrer, a page or a
campaign, and people write it into search words and reviews. From there it would reach pages, models and
files. The fields by which a session names a person (Session's own) are left as they are: only the store keeps
them.

Found is what has the form `local@domain.label`, also with the `@` or a dot as a link encodes them. Not found
are addresses without a dot in the domain, with an address of numbers, or with a quoted local part, and those
that somebody has disguised. It takes a time linear in the length of the text.
"""

import re
from typing import TypeVar

import msgspec

from streaming.contract.session import Content, PageView, Review, Session

MASK = "[mail]"
"""No longer than the shortest address, so that a masked word stays within its bound."""

_SIGN = "(?:[@\ufe6b\uff20]|%(?:25)*+40)"
_DOT = r"(?:\.|%(?:25)*+2[eE])"
_LABEL = r"[\w-]++"
_NAMED_LABEL = r"[^\W\d_][\w-]++"
"""Some label after the first begins with a letter, unlike in `4@2.5`."""

_HAS_SIGN = re.compile(_SIGN)
_WORD = re.compile(r"""[^\s"<>()\[\]{},;:/?&=|\\]++""")
_SIGN_AND_DOMAIN = re.compile(
    rf"(?<!^){_SIGN}{_LABEL}(?:{_DOT}{_LABEL})*?{_DOT}{_NAMED_LABEL}(?:{_DOT}{_LABEL})*+"
)
"""All at once, because a sender may fill a message with signs that have no domain."""

_ENCODED_SIGN = re.compile(rb"%(?:25)*+40")
_ESCAPED_SIGN = re.compile(rb"\\u(?:00[2-7]|[fF][eEfF])")

_S = TypeVar("_S", bound=Content)
_WORDS = (
    "gender", "device_type", "operating_system", "browser_type", "payment_method_type", "referrer", "channel",
    "campaign", "country", "state", "city",
)  # fmt: skip
_LISTS = ("product_ids", "product_names", "product_categories")


def may_be_in(raw: bytes, session: Session) -> bool:
    """False only if the message `raw`, in which `session` was sent, has no `@`, however it is written, but
    that of the user's own address. Of an ordinary message it takes half a microsecond at most."""
    sign = raw.find(b"@")  # to count them would take ten times as long
    return (
        (sign >= 0 and ("@" not in session.email or raw.find(b"@", sign + 1) >= 0))
        or (0x25 in raw and _ENCODED_SIGN.search(raw) is not None)
        or (0x5C in raw and _ESCAPED_SIGN.search(raw) is not None)
        or (0xEF in raw and (b"\xef\xbc\xa0" in raw or b"\xef\xb9\xab" in raw))
    )


def masked_text(text: str) -> str:
    """Returns `text` with MASK in the place of each address; the same object, if it has none."""
    return _WORD.sub(_masked_word, text) if _HAS_SIGN.search(text) else text


def masked(session: _S) -> _S:
    """Returns `session` without addresses in its content; the same object, if it has none. It takes ten
    microseconds, as long as parsing."""
    changed: dict[str, object] = {}
    for name in _WORDS:
        word: str | None = getattr(session, name)
        if word is not None and (clean := masked_text(word)) is not word:
            changed[name] = clean
    for name in _LISTS:
        words: list[str] = getattr(session, name)
        if _HAS_SIGN.search("\n".join(words)):
            changed[name] = list(map(masked_text, words))
    if session.pages and _HAS_SIGN.search("\n".join(one.page for one in session.pages)):
        changed["pages"] = [
            PageView(page=masked_text(one.page), time_ms=one.time_ms) for one in session.pages
        ]
    if any(_HAS_SIGN.search(one.product_id) or _HAS_SIGN.search(one.text) for one in session.reviews):
        changed["reviews"] = list(map(_masked_review, session.reviews))
    return msgspec.structs.replace(session, **changed) if changed else session


def _masked_review(review: Review) -> Review:
    return msgspec.structs.replace(
        review, product_id=masked_text(review.product_id), text=masked_text(review.text)
    )


def _masked_word(found: re.Match[str]) -> str:
    """Masks a word up to the end of the last address in it."""
    word, end = found.group(), 0
    for address in _SIGN_AND_DOMAIN.finditer(word):
        end = address.end()
    return MASK + word[end:] if end else word
