"""VADER's scores of a text, in time linear in its length. Pure.

The library reads no more than three words before and two after the one it judges, but puts the whole text
into lower case each time, and searches the list of valences from its beginning: 10,000 emojis took minutes.
Here it is given the words that it reads, and valences around a "but" are found by their places. The scores
are the library's own to the last bit (tests/property/summaries/test_vader.py).
"""

import re
from collections import defaultdict
from functools import cache
from heapq import heappop, heappush
from typing import Any, NamedTuple

from vaderSentiment.vaderSentiment import BOOSTER_DICT, SentimentIntensityAnalyzer, SentiText

_WORDS_BEFORE = 3
_WORDS_AFTER = 2
"""How far the library looks around a word."""


class _Near(NamedTuple):
    """A word with those around it, as far as the library reads its own SentiText."""

    words_and_emoticons: list[str]
    is_cap_diff: bool
    """Whether some words of the whole text are in capitals and others are not."""


@cache
def _library() -> Any:
    return SentimentIntensityAnalyzer()


def lexicon() -> dict[str, float]:
    """The valence of each word, -4 to 4."""
    words: dict[str, float] = _library().lexicon
    return words


@cache
def _emojis() -> tuple[re.Pattern[str], dict[str, str]]:
    # The library looks at one character after the other: a longer sequence is never found.
    names = {emoji: name for emoji, name in _library().emojis.items() if len(emoji) == 1}
    return re.compile(f"[{re.escape(''.join(names))}]"), names


def scores(text: str) -> dict[str, float]:
    """`compound`, `pos`, `neg` and `neu` of `text`."""
    written = _emojis_by_name(text).strip()
    found = SentiText(written)
    words, lower = found.words_and_emoticons, [word.lower() for word in found.words_and_emoticons]
    valences = [_valence(words, lower, i, found.is_cap_diff) for i in range(len(words))]
    if "but" in lower:
        valences = around_but(valences, lower.index("but"))
    answer: dict[str, float] = _library().score_valence(valences, written)
    return answer


def _emojis_by_name(text: str) -> str:
    emoji, names = _emojis()

    def name(found: re.Match[str]) -> str:
        at = found.start()
        return names[found[0]] if at == 0 or text[at - 1] == " " else f" {names[found[0]]}"

    return emoji.sub(name, text)


def _valence(words: list[str], lower: list[str], i: int, is_cap_diff: bool) -> float:
    """What word `i` adds; boosters and words without a side add nothing."""
    if lower[i] not in lexicon() or lower[i] in BOOSTER_DICT:
        return 0
    if lower[i : i + 2] == ["kind", "of"]:
        return 0
    first = max(i - _WORDS_BEFORE, 0)
    near = _Near(words[first : i + 1 + _WORDS_AFTER], is_cap_diff)
    valence: float
    [valence] = _library().sentiment_valence(0, near, words[i], i - first, [])
    return valence


def around_but(valences: list[float], but: int) -> list[float]:
    """`valences` where word `but` is the first "but": the library halves what stands before and raises what
    stands after by half. It does so, valence by valence, to the first place that holds an equal one by then,
    be it the same place or not; hence the places of each valence, the first on top."""
    changed = list(valences)
    places = defaultdict[float, list[int]](list)
    for place, valence in enumerate(valences):
        places[valence].append(place)
    for i in range(len(changed)):
        valence = changed[i]
        first = places[valence][0]
        if first != but:
            changed[first] = valence * (0.5 if first < but else 1.5)
            heappush(places[changed[first]], heappop(places[valence]))
    return changed
