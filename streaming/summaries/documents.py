"""The documents that follow from a single session; windows follow from many (`product.window`). Pure."""

from collections.abc import Iterator

from streaming.contract import topics
from streaming.contract.erased_session import ErasedSession
from streaming.contract.valid_session import ValidSession
from streaming.summaries.review import ReviewSentiment, reviews
from streaming.summaries.session import SessionSummary, summarise
from streaming.words.lists import Words


def documents(
    session: ValidSession | ErasedSession, words: Words
) -> Iterator[tuple[str, str, SessionSummary | ReviewSentiment]]:
    """Yields (topic, document id, document) of everything that follows from `session`, without windows:
    nothing if its user was erased."""
    if isinstance(session, ErasedSession):
        return
    yield topics.SESSION_SUMMARIES, session.session_pseudonym, summarise(session, words)
    for review in reviews(session):
        yield topics.PRODUCT_SENTIMENT, review.review_id, review
