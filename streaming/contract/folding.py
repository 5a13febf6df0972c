"""The spelling of device type and referrer, whose case has no meaning: `Mobile` and `mobile` are one. Pure.

Device types are in lower case. A referrer that reports and models know by name has that spelling, any other
is in lower case. So the golden sessions and the simulated ones stay as they are.
"""

from typing import TypeVar

import msgspec

from streaming.contract.session import Session

NAMED_REFERRERS = ("Direct", "Google", "Email", "Facebook", "Instagram", "Pinterest", "Bing", "Affiliate")
"""The referrers of the feature schema `vitrine-session`."""
_S = TypeVar("_S", bound=Session)
_NAMED = {name.lower(): name for name in NAMED_REFERRERS}


def folded(session: _S) -> _S:
    """Returns `session` with the spelling of its device type and referrer; the same object, if it has it."""
    device, referrer = _lower(session.device_type), session.referrer
    if referrer not in NAMED_REFERRERS:
        referrer = _lower(referrer)
        referrer = _NAMED.get(referrer, referrer)
    if device == session.device_type and referrer == session.referrer:
        return session
    return msgspec.structs.replace(session, device_type=device, referrer=referrer)


def _lower(word: str) -> str:
    """Returns `word` in lower case, unless that is longer (as of U+0130): it must stay within its bound."""
    lower = word.lower()
    return lower if len(lower) <= len(word) else word
