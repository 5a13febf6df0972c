"""Characters that the contract bans, by Unicode's own tables: the product lists them by number."""

import json
import unicodedata
from typing import Any

DIRECTING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
"""Classes of the characters that embed, override or isolate. Three marks have no class of their own."""
MARKS = ("ARABIC LETTER MARK", "LEFT-TO-RIGHT MARK", "RIGHT-TO-LEFT MARK")


def disturbs(text: str, allowed: str) -> bool:
    """Whether a character of `text` would change how others are shown, by Unicode's own tables."""
    return not text.isprintable() and any(
        one not in allowed
        and (
            unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp")
            or unicodedata.bidirectional(one) in DIRECTING
            or unicodedata.name(one, "") in MARKS
        )
        for one in text
    )


def is_unicode(value: Any) -> bool:
    """Whether no surrogate in `value` lacks its other half."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
