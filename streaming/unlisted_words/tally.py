"""Counts the words of sessions that are on no list. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from streaming.contract.erased_session import ERASED
from streaming.stores import Document
from streaming.unlisted_words.frequent import FrequentWords
from streaming.words.lists import FIELDS, OTHER, Words
from streaming.words.spelling import folded

CAPACITY = 20_000
"""Different words of one field that are kept."""


class Unlisted(NamedTuple):
    """The number of sessions, and their words on no list by field of FIELDS."""

    sessions: int
    by_field: dict[str, FrequentWords]


def unlisted(documents: Iterable[Document], words: Words) -> Unlisted:
    """Returns the words on no list of `documents`, sessions as in MongoDB. Words that say `other` themselves
    are left out: naming them would change nothing."""
    sessions, found = 0, {field: FrequentWords(CAPACITY) for field in FIELDS}
    of = [(_stored(field), words.of(field), found[field]) for field in FIELDS]
    for document in documents:
        if ERASED in document:
            continue
        sessions += 1
        for name, listed, counted in of:
            word = document.get(name)
            if isinstance(word, str) and listed.bounded(word) == OTHER != folded(word):
                counted.add(word)
    return Unlisted(sessions, found)


def setting(field: str) -> str:
    """Returns the variable that names further words of `field`."""
    return f"VITRINE_WORDS_{FIELDS[field].upper()}"


def _stored(field: str) -> str:
    """Returns the name of a field in messages and stores."""
    first, *rest = field.split("_")
    return first + "".join(part.title() for part in rest)
