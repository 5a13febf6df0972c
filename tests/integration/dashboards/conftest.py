"""Known sessions, and Elasticsearch with the documents that follow from them."""

import random
import uuid
from collections.abc import Iterator

import msgspec
import pytest
from support.sessions import valid_session
from waiting import HUNG_S

from streaming.contract import topics
from streaming.contract.session import Action, Review, Sentiment
from streaming.contract.valid_session import UserKind, ValidSession
from streaming.dashboards.figures import Figures
from streaming.settings import ElasticsearchSettings
from streaming.sinks.elasticsearch.connection import client as index_client
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.elasticsearch.newest import month_in
from streaming.sinks.port import Write
from streaming.summaries.documents import documents
from streaming.summaries.product import window
from streaming.words.lists import Words

WORDS = Words()
HOUR_MS = 3_600_000
FROM_MS = 1_700_000_000_000 - 1_700_000_000_000 % HOUR_MS
TO_MS = FROM_MS + 30 * HOUR_MS
TEXTS = {
    "positive": "I love this wonderful table, it is great.",
    "negative": "Horrible chair, broken and ugly. I hate it.",
    "neutral": "The shelf has four boards.",
}
PRODUCTS = {f"p{i}": (f"Product {i}", 10 + 7.35 * i, ["chairs", "tables", "lamps"][i % 3]) for i in range(14)}
SENTIMENTS: tuple[Sentiment, ...] = ("positive", "negative", "neutral")
ACTIONS: tuple[Action, ...] = ("view", "view", "view", "cart", "remove_from_cart")


def _session(at: random.Random, number: int, kind: UserKind, user: str) -> ValidSession:
    bought = at.random() < 0.3
    products = [at.choice(list(PRODUCTS)) for _ in range(at.randrange(6))]
    actions: list[Action] = [at.choice(ACTIONS) for _ in products]
    if bought:
        products.append(at.choice(list(PRODUCTS)))
        actions.append("purchase")
    live = at.random() < 0.8
    when_ms = at.randrange(FROM_MS, TO_MS)
    sentiment: Sentiment = at.choice(SENTIMENTS)
    rating = {"positive": 5, "neutral": 3, "negative": 1}[sentiment]
    reviewed = at.choice([*products, "p0"])
    reviews = [Review(product_id=reviewed, rating=rating, text=TEXTS[sentiment], sentiment=sentiment)]
    return valid_session(
        session_id=f"s{number}",
        event_time_ms=when_ms,
        feed="live" if live else "import",
        user_id=user,
        gender=at.choice(["female", "male", "other"]),
        device_type=at.choice(["mobile", "mobile", "desktop", "tablet"]),
        operating_system=at.choice(["Android", "iOS", "Linux", "TempleOS", "Genera"]),
        browser_type=at.choice(["Firefox", "Chrome"]),
        product_ids=products,
        product_names=[PRODUCTS[p][0] for p in products],
        product_prices=[PRODUCTS[p][1] for p in products],
        product_categories=[PRODUCTS[p][2] for p in products],
        actions=actions,
        page_views=at.randrange(1, 30),
        session_duration=round(at.uniform(5, 3_000), 1),
        clicks=at.randrange(60),
        purchase_made=bought,
        amount_spent=PRODUCTS[products[-1]][1] if bought else 0.0,
        payment_method_type=at.choice(["card", "PayPal", "cowries"]) if bought else None,
        reviews=reviews if at.random() < 0.5 else [],
        referrer=at.choice(["Google", "Google", "Direct", "Newsletter"]),
        country=at.choice(["Germany", "FR", "France", "Italy", "Spain", "Narnia"]),
        user_kind=kind,
        late=live and at.random() < 0.05,
        raw_partition=0,
        raw_offset=number,
        arrived_at_ms=when_ms,
    )


@pytest.fixture(scope="session")
def sessions() -> list[ValidSession]:
    """Six hundred sessions of a hundred users within thirty hours, always the same."""
    at, seen, made = random.Random(20), set[str](), []
    for number in range(600):
        user = f"u{at.randrange(100)}"
        made.append(_session(at, number, "returning" if user in seen else "new", user))
        seen.add(user)
    return made


@pytest.fixture(scope="session")
def from_ms() -> int:
    """The beginning of the first hour of the sessions."""
    return FROM_MS


def _settings() -> ElasticsearchSettings:
    """Settings with an index prefix for these tests only."""
    return ElasticsearchSettings(index_prefix=f"dashboards-{uuid.uuid4().hex[:12]}-")


@pytest.fixture(scope="session")
def figures(sessions: list[ValidSession]) -> Iterator[Figures]:
    """Elasticsearch with the documents that follow from the sessions, with the mappings of the product."""
    settings = _settings()
    client = index_client(settings).options(request_timeout=HUNG_S)
    held, writes = ElasticsearchIndex(settings), []
    for index, document in DOCUMENTS.items():
        held.prepare(index, document)
    found = [
        *(
            (index, key, document)
            for session in sessions
            for index, key, document in documents(session, WORDS)
        ),
        *((topics.PRODUCT_ACTIVITY, key, document) for key, document in window(sessions).items()),
    ]
    for index, key, of in found:
        body = msgspec.json.encode(of)
        writes.append(Write(index, key, 1, body, month_in(body) or ""))
    assert held.put(writes) == []
    for index in topics.INDEXED:
        held.refresh(index)
    asked = Figures(settings)
    yield asked
    asked.close()
    for index in topics.INDEXED:
        for month in held.months(index):
            held.drop(index, month)
        client.indices.delete_index_template(name=settings.index_prefix + index)
    client.close()


@pytest.fixture
def nothing_indexed() -> Iterator[Figures]:
    """Elasticsearch without any session."""
    asked = Figures(_settings())
    yield asked
    asked.close()
