"""Our computation of VADER's scores equals the library's, and takes time linear in the length of a text."""

import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SPECIAL_CASES, SentimentIntensityAnalyzer

from streaming.summaries import vader
from streaming.summaries.sentiment import classify

MAX_CHARACTERS = 10_000
"""The greatest length of a text in the contract."""
LIBRARY = SentimentIntensityAnalyzer()
EMOJIS = sorted(LIBRARY.emojis)
SIDED = sorted(LIBRARY.lexicon)

ODD = "but BUT but, no NO nor or not never so this without doubt least at very kind Kind of sort just enough"
odd = st.sampled_from(ODD.split())
phrases = st.sampled_from([*BOOSTER_DICT, *NEGATE, *SPECIAL_CASES])
words = st.one_of(odd, odd, phrases, st.sampled_from(SIDED), st.sampled_from(["the", "x", "\u0130", "ß"]))
cased = st.builds(lambda word, change: change(word), words, st.sampled_from([str, str, str.upper, str.title]))
marks = st.sampled_from(["!", "?", "!!!", "...", ",", "'", "n't", ":)", "\u0301", "\u200d", "\ufe0f", "\x00"])
tokens = st.one_of(cased, cased, st.sampled_from(EMOJIS), marks, st.text(max_size=3))
between = st.sampled_from([" ", " ", " ", " ", "", "  ", "\n", "\u00a0"])


@st.composite
def texts(draw: Any, most: int = 30) -> str:
    return "".join(token + draw(between) for token in draw(st.lists(tokens, max_size=most)))


@given(texts())
@settings(max_examples=1_500)
def test_the_scores_equal_the_librarys(text: str) -> None:
    assert repr(vader.scores(text)) == repr(LIBRARY.polarity_scores(text))


def test_each_emoji_is_read_as_the_library_does() -> None:
    for emoji in EMOJIS:
        for text in (emoji, emoji * 3, f"good{emoji} {emoji}not  {emoji}good"):
            assert vader.scores(text) == LIBRARY.polarity_scores(text), emoji


@given(
    st.lists(st.sampled_from([0, 0.0, 1.0, -1.0, 0.5, 1.5, 2.0, 0.25, 0.75, 2.25, -0.5, -1.5]), min_size=1)
)
def test_a_but_changes_the_same_valences(valences: list[float]) -> None:
    for but in range(len(valences)):
        sentence = ["but" if i == but else "word" for i in range(len(valences))]
        assert vader.around_but(valences, but) == LIBRARY._but_check(sentence, list(valences))


def calls(text: str) -> int:
    """Returns the number of function calls, those in C included, while `text` is classified: a measure of
    work that is the same on every machine."""
    count = 0

    def seen(_frame: Any, event: str, _of: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    classify(text[:1])
    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        classify(text)
    finally:
        sys.setprofile(before)
    return count


KINDS = [
    "\U0001f60d", "\U0001f602", "but \U0001f602 ", "\U0001f602 but ", "good ", "good but ", "but good bad ",
    "no ", "not ", "n't ", "not good ", "kind of good ", "GOOD bad ", "GOOD ", "!", "?", "!? ", "a",
    "e\u0301", "'", "a'", "a'n't", ". ", ":) ", " ", "\n",
]  # fmt: skip


def of_kind(kind: str, characters: int) -> str:
    return (kind * characters)[:characters]


def assert_linear(kind: str) -> None:
    half, whole = (calls(of_kind(kind, length)) for length in (MAX_CHARACTERS // 2, MAX_CHARACTERS))
    # Twice the text, twice the calls; quadratic would be four times as many.
    assert whole <= 3 * half + 1_000, (half, whole)


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_repeated_twice_is_twice_the_work(kind: str) -> None:
    assert_linear(kind)


@given(texts(most=6).filter(bool))
@settings(max_examples=25)
def test_any_text_repeated_twice_is_twice_the_work(kind: str) -> None:
    assert_linear(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_time_that_no_call_shows_is_linear_too(kind: str) -> None:
    """Searching a list or joining text is one call, however long it takes. A text repeated sixteen times
    takes sixteen times as long if linear and 256 times if quadratic, on any machine."""

    def took_s(text: str) -> float:
        start = time.thread_time()
        classify(text)
        return time.thread_time() - start

    few, many = of_kind(kind, MAX_CHARACTERS // 16), of_kind(kind, MAX_CHARACTERS)
    took_s(few)
    assert min(took_s(many) for _ in range(3)) < 64 * min(took_s(few) for _ in range(5))
