"""Which spellings are one word, and what a referrer that is an address stands for. Pure."""

import unicodedata
from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

_SAME = str.maketrans("_-\u2019", "  '")


def folded(word: str) -> str:
    """Returns `word` without case, accents, repeated spaces and the difference between space, hyphen and
    underscore."""
    # Only accents are taken apart: a compatibility form can be 18 times as long, and costs a sender nothing.
    bare = (
        word
        if word.isascii()
        else "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    )
    return " ".join(bare.casefold().translate(_SAME).split())


def hosts(referrer: str) -> Iterator[str]:
    """Yields the host in `referrer`, if that is a host or an address, and the domains above it down to the
    one that somebody registered: `m.shop.example.co.uk`, `shop.example.co.uk`, `example.co.uk`. It asks the
    public suffix list of the installed package, never the network."""
    host = _host(referrer.strip().lower())
    registered = host and _suffixes().privatesuffix(host)
    if host and registered:
        while len(host) >= len(registered):
            yield host
            host = host.partition(".")[2]


def _host(referrer: str) -> str | None:
    try:
        host = urlsplit(referrer if "//" in referrer else f"//{referrer}").hostname
    except ValueError:
        return None
    return host if host and "." in host and " " not in host and not host.replace(".", "").isdigit() else None


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True, accept_unknown=False)
