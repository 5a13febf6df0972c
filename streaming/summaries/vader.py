"""Computes VADER's scores of a text in time linear in its length. Pure.

For each word the library reads at most three words before and two after it, but converts the whole text to
lower case each time, and searches the list of valences from its beginning: 10,000 emojis took minutes. This
module passes only the words that the library reads, and finds valences around a "but" by their indices. The
scores equal the library's to the last bit (tests/property/summaries/test_vader.py).
"""

import re
from collections import defaultdict
from functools import cache
from heapq import heappop, heappush
from typing import Any, NamedTuple

from vaderSentiment.vaderSentiment import BOOSTER_DICT, SentimentIntensityAnalyzer, SentiText

_WORDS_BEFORE = 3
_WORDS_AFTER = 2
"""How many words around a word the library reads."""


class _Near(NamedTuple):
    """A word with those around it, in the form of the library's SentiText."""

    words_and_emoticons: list[str]
    is_cap_diff: bool
    """True if some words of the whole text are in capitals and others are not."""


@cache
def _library() -> Any:
    return SentimentIntensityAnalyzer()


def lexicon() -> dict[str, float]:
    """Returns the valence of each word, -4 to 4."""
    words: dict[str, float] = _library().lexicon
    return words


@cache
def _emojis() -> tuple[re.Pattern[str], dict[str, str]]:
    # The library checks single characters, so it never finds longer sequences.
    names = {emoji: name for emoji, name in _library().emojis.items() if len(emoji) == 1}
    return re.compile(f"[{re.escape(''.join(names))}]"), names


def scores(text: str) -> dict[str, float]:
    """Returns `compound`, `pos`, `neg` and `neu` of `text`."""
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
    """Returns the valence of word `i`; 0 for boosters and neutral words."""
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
    """Returns `valences` as the library changes them around the first "but", which is word `but`: it
    multiplies those before by 0.5 and those after by 1.5. For each valence it changes the first entry that is
    equal at that moment, which may be another entry. Therefore this keeps a heap of the indices of each
    valence."""
    changed = list(valences)
    indices = defaultdict[float, list[int]](list)
    for index, valence in enumerate(valences):
        indices[valence].append(index)
    for i in range(len(changed)):
        valence = changed[i]
        first = indices[valence][0]
        if first != but:
            changed[first] = valence * (0.5 if first < but else 1.5)
            heappush(indices[changed[first]], heappop(indices[valence]))
    return changed
