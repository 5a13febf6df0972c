"""Bounds the words of sessions by lists. Pure: equal lists and equal words, equal result.

The word of a session is replaced by that of the list which means the same; a word that is on no list by
`other`; `unknown` stays. So there are never more words than the lists have, which words they are does not
depend on the order in which sessions came, and no visitor's words displace another's.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from streaming.contract.session import UNKNOWN
from streaming.words import built_in
from streaming.words.built_in import Table
from streaming.words.spelling import folded, hosts

OTHER = "other"
"""What a word counts as that is on no list."""
_REMEMBERED = 4_096
"""Words, or triples of words, whose result is kept: shops send few different ones."""


class Further(Struct, frozen=True):
    """Words beside the built-in lists: a shop's own, for each of them the others that mean the same."""

    countries: Table = {}
    devices: Table = {}
    referrers: Table = {}
    systems: Table = {}
    browsers: Table = {}
    genders: Table = {}
    payments: Table = {}


FIELDS = {
    "country": "countries",
    "device_type": "devices",
    "referrer": "referrers",
    "operating_system": "systems",
    "browser_type": "browsers",
    "gender": "genders",
    "payment_method_type": "payments",
}
"""The fields of a session that have a list, and the name of each list in Further and Words."""


class KeyWords(NamedTuple):
    """The bounded words by which a session is counted."""

    country: str
    device: str
    referrer: str


class WordList:
    """One list, of the words in `tables`; a later table wins where two say different things. A word with a
    dot also stands for the hosts and addresses in that domain; one in `sites` also for all domains of that
    name (`Google`: google.de, www.google.co.uk)."""

    def __init__(self, *tables: Table, sites: Table | None = None) -> None:
        self._word_of = {word: word for word in (UNKNOWN, OTHER)}
        for table in (sites or {}, *tables):
            self._word_of |= _by_spelling(table)
        self._site_of = None if sites is None else _by_spelling(sites)
        self.bounded = lru_cache(_REMEMBERED)(self._bounded)
        """Returns the list's word for a word, or `other`."""

    @property
    def words(self) -> frozenset[str]:
        """Every word that `bounded` can return."""
        return frozenset(self._word_of.values())

    def _bounded(self, word: str) -> str:
        found = self._word_of.get(folded(word))
        if found or self._site_of is None:
            return found or OTHER
        domain = ""
        for domain in hosts(word):
            if found := self._word_of.get(folded(domain)):
                return found
        return self._site_of.get(folded(domain.partition(".")[0]), OTHER)


def _by_spelling(table: Table) -> dict[str, str]:
    return {folded(spelling): word for word, others in table.items() for spelling in (word, *others)}


class Words:
    """The lists of all fields by which sessions are counted or grouped."""

    def __init__(self, further: Further | None = None) -> None:
        more = further or Further()
        self.countries = WordList(built_in.countries(), more.countries)
        self.devices = WordList(built_in.DEVICES, more.devices)
        self.referrers = WordList(built_in.CHANNELS, more.referrers, sites=built_in.SITES)
        self.systems = WordList(built_in.SYSTEMS, more.systems)
        self.browsers = WordList(built_in.BROWSERS, more.browsers)
        self.genders = WordList(built_in.GENDERS, more.genders)
        self.payments = WordList(built_in.PAYMENTS, more.payments)
        self.key_words = lru_cache(_REMEMBERED)(self._key_words)
        """Returns the KeyWords of country, device type and referrer."""

    def of(self, field: str) -> WordList:
        """Returns the list of one of FIELDS."""
        found: WordList = getattr(self, FIELDS[field])
        return found

    @property
    def by_dimension(self) -> Mapping[str, WordList]:
        """The list of each dimension of KeyWords."""
        return {"country": self.countries, "device": self.devices, "referrer": self.referrers}

    def _key_words(self, country: str, device_type: str, referrer: str) -> KeyWords:
        return KeyWords(
            self.countries.bounded(country),
            self.devices.bounded(device_type),
            self.referrers.bounded(referrer),
        )
