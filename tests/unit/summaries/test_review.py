"""The document of a review."""

import msgspec
from support.sessions import session_with

from streaming.contract.session import Review
from streaming.contract.topics import PRODUCT_SENTIMENT, SESSION_SUMMARIES
from streaming.summaries.documents import documents
from streaming.summaries.review import reviews
from streaming.words.lists import Words

S1 = session_with().session_pseudonym
GOOD = Review(product_id="p1", rating=5, text="Absolutely wonderful, I love it!", sentiment="negative")
BAD = Review(product_id="p9", rating=1, text="Terrible. It broke and I hate it.", sentiment="negative")


def test_each_review_becomes_a_document_with_our_sentiment_and_the_stated_one() -> None:
    whole = session_with(("p1", "Sofa", 1.0, "sofas", "view"), reviews=[GOOD, BAD])
    good, bad = reviews(whole)
    assert (good.review_id, good.category, good.sentiment, good.stated_sentiment) == (
        f"{S1}:0", "sofas", "positive", "negative")  # fmt: skip
    assert (bad.review_id, bad.category, bad.sentiment) == (f"{S1}:1", None, "negative")
    assert -1 <= bad.score < 0 < good.score <= 1


def test_the_text_is_not_in_the_document() -> None:
    document = msgspec.json.encode(reviews(session_with(reviews=[GOOD]))).decode()
    assert "wonderful" not in document


def test_documents_are_the_summary_and_each_review() -> None:
    found = [(topic, of) for topic, of, _ in documents(session_with(reviews=[GOOD, BAD]), Words())]
    assert found == [
        (SESSION_SUMMARIES, S1),
        (PRODUCT_SENTIMENT, f"{S1}:0"),
        (PRODUCT_SENTIMENT, f"{S1}:1"),
    ]
