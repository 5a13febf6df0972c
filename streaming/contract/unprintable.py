"""Characters that a session may not hold, because they change what is shown around them. Pure.

These are control characters, those that direct bidirectional text, line and paragraph separators, and
surrogates without their other half. On a terminal or in a log they forge lines, hide text or turn it around,
and no id or word of a shop needs them. Review texts may have what people write and browsers send: line ends,
tabs, and the marks that only set the direction of a neighbour (U+061C, U+200E, U+200F).
"""

import re

from streaming.contract.session import PageView, Review, Session

CONTROL = r"\x00-\x1f\x7f-\x9f"
BIDIRECTIONAL = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
SEPARATORS = r"\u2028\u2029"
SURROGATES = r"\ud800-\udfff"

ANYWHERE = re.compile(f"[{CONTROL}{BIDIRECTIONAL}{SEPARATORS}{SURROGATES}]")
"""Finds any of them."""
NAMED = "a control or bidirectional character, a separator of lines or half a surrogate pair"
_IN_A_TEXT = re.compile(f"(?![\t\n\r\u061c\u200e\u200f])[{CONTROL}{BIDIRECTIONAL}{SEPARATORS}{SURROGATES}]")

_ESCAPED = re.compile(rb"\\(?:[bfnrt]|u(?:00[0189]|007[fF]|061[cC]|20(?:0[eEfF]|2[89a-eA-E]|6[6-9])))")
_ENCODED_C1 = re.compile(rb"\xc2[\x80-\x9f]")
_ENCODED_PUNCTUATION = re.compile(rb"\xe2(?:\x80[\x8e\x8f\xa8-\xae]|\x81[\xa6-\xa9])")
_ENCODED_ARABIC_MARK = "\u061c".encode()
_FIELDS = tuple(zip(Session.__struct_fields__, Session.__struct_encode_fields__, strict=True))


def may_be_in(raw: bytes) -> bool:
    """False only if no string of the message `raw`, which the decoder has accepted, holds such a character:
    it refuses surrogates, and C0 that is not escaped.

    An ordinary message takes a fifth of a microsecond. Single bytes are looked for first, because that is
    ten times as fast as a regular expression, and those that begin the characters are rare."""
    return (
        (0x5C in raw and _ESCAPED.search(raw) is not None)  # a backslash
        or 0x7F in raw
        or (
            not raw.isascii()
            and (
                (0xC2 in raw and _ENCODED_C1.search(raw) is not None)
                or (0xE2 in raw and _ENCODED_PUNCTUATION.search(raw) is not None)
                or (0xD8 in raw and _ENCODED_ARABIC_MARK in raw)
            )
        )
    )


def place_in(session: Session) -> str | None:
    """Returns where in `session` the first such character is: the name of the field, with the path to the
    string if there are several; None if there is none."""
    for name, sent_name in _FIELDS:
        match getattr(session, name):
            case str(word):
                if ANYWHERE.search(word):
                    return sent_name
            # All words of a list at once: one by one, ten thousand take ten times as long as their decoding.
            case [str(), *_] as words if ANYWHERE.search("".join(words)):
                return f"{sent_name}[{next(at for at, word in enumerate(words) if ANYWHERE.search(word))}]"
            case [PageView(), *_] as pages if ANYWHERE.search("".join(view.page for view in pages)):
                at = next(at for at, view in enumerate(pages) if ANYWHERE.search(view.page))
                return f"{sent_name}[{at}].page"
            case [Review(), *_] as reviews:
                for at, review in enumerate(reviews):
                    if ANYWHERE.search(review.product_id):
                        return f"{sent_name}[{at}].productId"
                    if _IN_A_TEXT.search(review.text):
                        return f"{sent_name}[{at}].text"
    return None
