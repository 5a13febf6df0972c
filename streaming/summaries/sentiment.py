"""The sentiment of a review text."""

from functools import cache

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from streaming.events.contract import Sentiment

NEUTRAL_BELOW = 0.05
"""Scores closer to 0 than this say neither."""


@cache
def _lexicon() -> SentimentIntensityAnalyzer:
    return SentimentIntensityAnalyzer()


def classify(text: str) -> tuple[Sentiment, float]:
    """The sentiment of `text` and its score from -1 (negative) to 1 (positive)."""
    score = float(_lexicon().polarity_scores(text)["compound"])
    if abs(score) < NEUTRAL_BELOW:
        return "neutral", score
    return ("positive" if score > 0 else "negative"), score
