"""Lists of positive and negative words, besides VADER's, and what each finds in a text. Pure.

lexicons.json contains three lists on one scale; `gather_lexicons` makes it: `pattern`, the adjectives of
Pattern (De Smedt and Daelemans 2012; PDDL), `afinn`, AFINN-165 (Nielsen 2011; ODbL 1.0), and `opinion`, the
Opinion Lexicon of product reviews (Hu and Liu, KDD 2004; CC BY 4.0).
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec

LEXICONS = ("pattern", "afinn", "opinion")

_NEGATION = re.compile(
    r"not|no|never|nothing|nor|neither|without|hardly|barely|cannot|cant|dont|didnt|wont|isnt|wasnt|.*n't"
)
_NEGATED_WORDS = 3
"""How many words after a negation are negated, within a clause."""


class Lexicons(msgspec.Struct, frozen=True):
    """`words`: for each list the valence of its words, mostly from -1 to 1 and never 0."""

    licence: str
    words: dict[str, dict[str, float]]


@cache
def load() -> Lexicons:
    """Returns the lexicons of this package."""
    return msgspec.json.decode(files(__package__).joinpath("lexicons.json").read_bytes(), type=Lexicons)


class Sides(msgspec.Struct, frozen=True):
    """What one list finds in a text: the sums of positive (`praise`) and negative (`blame`) valences, and
    more."""

    praise: float
    blame: float
    found: int
    """The number of positive and negative words."""
    last: float
    """The valence of the last of them, because people often end with their conclusion."""


def negated(clauses: Sequence[Sequence[str]]) -> tuple[list[tuple[str, int]], int]:
    """Returns every word with its sign (-1 shortly after a negation), and the number of negations."""
    signed: list[tuple[str, int]] = []
    negations = 0
    for clause in clauses:
        left = 0
        for word in clause:
            signed.append((word, -1 if left else 1))
            left = max(left - 1, 0)
            if _NEGATION.fullmatch(word):
                left = _NEGATED_WORDS
                negations += 1
    return signed, negations


def sides(signed: Sequence[tuple[str, int]], lexicon: Mapping[str, float]) -> Sides:
    """Returns the sums over the words that are in `lexicon`."""
    praise = blame = last = 0.0
    found = 0
    for word, sign in signed:
        if valence := sign * lexicon.get(word, 0.0):
            praise += max(valence, 0.0)
            blame += max(-valence, 0.0)
            found += 1
            last = valence
    return Sides(praise, blame, found, last)
