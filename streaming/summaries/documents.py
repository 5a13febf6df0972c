"""The documents that follow from a single session; windows follow from many (`product.window`). Pure."""

from collections.abc import Iterator

from streaming.contract import topics
from streaming.contract.valid_session import ValidSession
from streaming.summaries.review import ReviewSentiment, reviews
from streaming.summaries.session import SessionSummary, summarise
from streaming.words.lists import Words


def documents(
    session: ValidSession, words: Words
) -> Iterator[tuple[str, str, SessionSummary | ReviewSentiment]]:
    """Yields (topic, document id, document) of everything that follows from `session`, without windows."""
    yield topics.SESSION_SUMMARIES, session.session_pseudonym, summarise(session, words)
    for review in reviews(session):
        yield topics.PRODUCT_SENTIMENT, review.review_id, review
