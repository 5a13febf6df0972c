"""The sentiment of each review. The text itself is not part of the document, because it may be personal.
Pure."""

from msgspec import Struct

from streaming.contract.session import Sentiment
from streaming.contract.valid_session import ValidSession
from streaming.summaries.sentiment import classify, model_name


class ReviewSentiment(Struct, frozen=True, rename="camel", kw_only=True):
    """A document of `product_sentiment`, keyed by review id."""

    review_id: str
    """`<session pseudonym>:<index of the review>`."""
    session_pseudonym: str
    user_pseudonym: str
    product_id: str
    category: str | None
    """The product's category at its first interaction in the session; None if it was only reviewed."""
    event_time_ms: int
    feed: str
    rating: int
    stated_sentiment: Sentiment
    """The sender's own label."""
    sentiment: Sentiment
    """Our classification of the text."""
    score: float
    """-1 (negative) to 1 (positive)."""
    model: str
    """Name of the coefficients that `sentiment` and `score` come from (`sentiment.model_name`)."""
    device_type: str
    country: str


MODEL_FIELDS = frozenset({"sentiment", "score", "model"})
"""The JSON names of the fields that depend on the model."""


def reviews(session: ValidSession) -> list[ReviewSentiment]:
    """Returns one document for each review in `session`, in their order."""
    if not session.reviews:
        return []
    category_of: dict[str, str] = {}
    for product_id, category in zip(session.product_ids, session.product_categories, strict=True):
        category_of.setdefault(product_id, category)
    documents = []
    for index, review in enumerate(session.reviews):
        sentiment, score = classify(review.text)
        documents.append(
            ReviewSentiment(
                review_id=f"{session.session_pseudonym}:{index}",
                session_pseudonym=session.session_pseudonym,
                user_pseudonym=session.user_pseudonym,
                product_id=review.product_id,
                category=category_of.get(review.product_id),
                event_time_ms=session.event_time_ms,
                feed=session.feed,
                rating=review.rating,
                stated_sentiment=review.sentiment,
                sentiment=sentiment,
                score=score,
                model=model_name(),
                device_type=session.device_type,
                country=session.country,
            )
        )
    return documents
