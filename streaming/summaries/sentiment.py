"""Classifies the sentiment of a review text with four word lists and a linear model, in plain Python. Pure.

sentiment.json contains the coefficients of a logistic regression over TF-IDF of words and word pairs, and
over what VADER (Hutto and Gilbert, ICWSM 2014) and the lists of lexicons.py find; `train_sentiment` makes it.
The model was trained on the Sentiment Labelled Sentences of yelp.com and imdb.com (Kotzias et al., KDD 2015;
UCI Machine Learning Repository, CC BY 4.0); the file contains none of the sentences.
"""

import math
import re
from collections import Counter
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import pairwise

import msgspec

from streaming.contract.session import Sentiment
from streaming.summaries import lexicons, vader

NEUTRAL_BELOW = 0.05
"""A score closer to 0 than this means neutral, if also no list finds a positive or negative word."""
_NEUTRAL_SHARE = 3
"""The index of VADER's share of neutral words in the result of `evidence`."""

_TOKEN = re.compile(r"[a-z]+(?:'[a-z]+)?|[!?.,;]")


class Model(msgspec.Struct, frozen=True):
    """A logistic regression; `ngrams` contains the inverse document frequency and the coefficient of each
    n-gram."""

    source: str
    bias: float
    evidence: list[float]
    """The coefficients of `evidence`, in its order."""
    ngrams: dict[str, tuple[float, float]]


@cache
def _model() -> Model:
    return msgspec.json.decode(files(__package__).joinpath("sentiment.json").read_bytes(), type=Model)


@cache
def model_name() -> str:
    """Returns a name for everything besides the code that a classification depends on: the coefficients,
    lists and bounds. If one of them changes, so does the name."""
    learned = [files(__package__).joinpath(name).read_bytes() for name in ("sentiment.json", "lexicons.json")]
    return sha256(b"".join([*learned, repr(NEUTRAL_BELOW).encode()])).hexdigest()[:12]


def _typed(text: str) -> str:
    """Returns `text` with straight apostrophes, as in the lists."""
    return text.replace("\u2019", "'")


def _clauses(text: str) -> list[list[str]]:
    """Returns the words of `text` in lower case, split at punctuation; exclamation and question marks are
    words."""
    clauses: list[list[str]] = [[]]
    for token in _TOKEN.findall(_typed(text).lower()):
        if token in "!?":
            clauses += [[token], []]
        elif token in ".,;":
            clauses.append([])
        else:
            clauses[-1].append(token)
    return clauses


def ngrams(text: str) -> list[str]:
    """Returns the words of `text`, and all pairs of adjacent words."""
    found: list[str] = []
    for clause in _clauses(text):
        found += clause
        found += [f"{first} {second}" for first, second in pairwise(clause)]
    return found


def evidence(text: str) -> list[float]:
    """Returns what the lists find: VADER's scores and their signs; praise, blame and negations by VADER's
    words; then for each of LEXICONS praise, blame, their balance per word, its sign and the sign of the last
    word."""
    scores = vader.scores(_typed(text))
    compound = scores["compound"]
    signed, negations = lexicons.negated(_clauses(text))
    by_vader = lexicons.sides(signed, vader.lexicon())
    found = [
        compound, scores["pos"], scores["neg"], scores["neu"],
        float(compound > 0.05), float(compound < -0.05),
        by_vader.praise / 4, by_vader.blame / 4, min(negations, 2) / 2,
    ]  # fmt: skip
    for name in lexicons.LEXICONS:
        sides = lexicons.sides(signed, lexicons.load().words[name])
        balance = sides.praise - sides.blame
        found += [
            sides.praise, sides.blame, 2 * balance / max(sides.found, 1),
            _sign(balance), _sign(sides.last) / 2,
        ]  # fmt: skip
    return found


def _sign(number: float) -> float:
    return float((number > 0) - (number < 0))


def classify(text: str) -> tuple[Sentiment, float]:
    """Returns the sentiment of `text` and its score from -1 (negative) to 1 (positive), with four
    decimals."""
    return named(_model(), text)


def named(model: Model, text: str) -> tuple[Sentiment, float]:
    """Returns the same with `model`."""
    if not text.strip():
        return "neutral", 0.0
    found = evidence(text)
    score = _score(model, text, found)
    if abs(score) < NEUTRAL_BELOW and not any(found[:_NEUTRAL_SHARE] + found[_NEUTRAL_SHARE + 1 :]):
        return "neutral", score
    return ("positive" if score > 0 else "negative"), score


def _score(model: Model, text: str, found: list[float]) -> float:
    """Returns 2p - 1, where p is the probability of positive; `found` is the `evidence` of `text`."""
    log_odds = model.bias + sum(map(float.__mul__, model.evidence, found))
    weighted = norm = 0.0
    for ngram, times in Counter(ngrams(text)).items():
        if (known := model.ngrams.get(ngram)) is not None:
            idf, coefficient = known
            tf_idf = (1 + math.log(times)) * idf
            weighted += tf_idf * coefficient
            norm += tf_idf * tf_idf
    if norm:
        log_odds += weighted / math.sqrt(norm)
    return round(math.tanh(log_odds / 2), 4)
