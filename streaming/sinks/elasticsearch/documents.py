"""Which documents each index holds. Pure."""

from msgspec import Struct

from streaming.contract import topics
from streaming.summaries.product import ProductActivity
from streaming.summaries.review import ReviewSentiment
from streaming.summaries.session import SessionSummary

DOCUMENTS: dict[str, type[Struct]] = {
    topics.SESSION_SUMMARIES: SessionSummary,
    topics.PRODUCT_ACTIVITY: ProductActivity,
    topics.PRODUCT_SENTIMENT: ReviewSentiment,
}
