"""A real browser, logged in to the running Airflow, and sessions sent through the running stages."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from support.sessions import session
from waiting import HUNG_S, until

from lab import screenshots
from stack.context import this_checkout
from streaming.contract import topics
from streaming.contract.session import Action, Review, Sentiment, Session
from streaming.kafka import clients
from streaming.settings import ElasticsearchSettings, ImportSettings, KafkaSettings
from streaming.sinks.elasticsearch.connection import client

HUNG_MS = HUNG_S * 1000
expect.set_options(timeout=HUNG_MS)
# What every JavaScript object has, markup, and plain words: as many as a panel shows.
WORDS = [
    "constructor",
    "__proto__",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "<script>",
    "`",
    "mobile",
    "a b",
    "ßß",
]
TEXTS = {"positive": "I love this wonderful table.", "negative": "Horrible and broken, I hate it."}


@pytest.fixture(scope="session")
def airflow_url() -> str:
    return screenshots.url(this_checkout())


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, screenshots.launch(playwright) as browser:
        yield browser


@pytest.fixture
def anonymous(browser: Browser, airflow_url: str) -> Iterator[BrowserContext]:
    """The browser of someone who has not logged in."""
    with browser.new_context(base_url=airflow_url) as context:
        context.set_default_timeout(HUNG_MS)
        yield context


@pytest.fixture(scope="session")
def reader(browser: Browser, airflow_url: str) -> Iterator[BrowserContext]:
    """A browser logged in through Airflow's own form."""
    with browser.new_context(base_url=airflow_url, viewport={"width": 1360, "height": 1000}) as context:
        context.set_default_timeout(HUNG_MS)
        screenshots.log_in(context, this_checkout())
        yield context


@pytest.fixture
def page(reader: BrowserContext) -> Iterator[Page]:
    """A page of the logged-in browser, whose scripts must run without errors and load nothing from other
    servers."""
    page = reader.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: problems.append(message.text) if "Content Security" in message.text else None,
    )
    yield page
    page.close()
    assert not problems


@dataclass(frozen=True)
class Sent:
    """Sessions with their own feed, all searchable."""

    feed: str
    sessions: list[Session]

    def more(self) -> None:
        """Sends one more session of the feed."""
        _send([_session(self.feed, len(self.sessions))])


def _session(feed: str, number: int) -> Session:
    bought = number % 3 == 0
    looking: list[Action] = ["view", "view", "cart"]
    actions: list[Action] = ["view", "cart", "purchase"] if bought else looking[: number % 4]
    count = len(actions)
    sentiment: Sentiment = "positive" if number % 2 else "negative"
    review = Review(
        product_id="p1", rating=5 if number % 2 else 1, text=TEXTS[sentiment], sentiment=sentiment
    )
    return session(
        session_id=f"{feed}-{number}",
        event_time_ms=int(time.time() * 1000) - number * 60_000,
        feed=feed,
        user_id=f"{feed}-u{number % 25}",
        gender="female" if number % 2 else "male",
        device_type=["mobile", "desktop", "tablet"][number % 3],
        browser_type=["Firefox", "Chrome"][number % 2],
        product_ids=["p1"] * count,
        product_names=["Oak table"] * count,
        product_prices=[199.0] * count,
        product_categories=["tables"] * count,
        actions=actions,
        session_duration=60.0 * (1 + number % 10),
        clicks=4,
        purchase_made=bought,
        amount_spent=199.0 if bought else 0.0,
        payment_method_type="card" if bought else None,
        reviews=[review] if number % 5 == 0 else [],
        referrer=["Google", "Direct", "Newsletter"][number % 3],
        country=["Germany", "France", "Italy", "Spain"][number % 4],
    )


def _send(sessions: list[Session]) -> None:
    settings = KafkaSettings()
    producer = clients.producer(settings)
    for sent in sessions:
        producer.produce(
            clients.name(settings, topics.RAW), key=sent.user_id, value=msgspec.json.encode(sent)
        )
    assert producer.flush(HUNG_S) == 0


@dataclass(frozen=True)
class Odd(Sent):
    """Sessions whose words are all from `words`, each in the same number of sessions."""

    words: list[str]


@pytest.fixture(scope="session")
def sent() -> Sent:
    """Forty sessions of twenty-five users, sent to the raw topic and searchable."""
    feed = ImportSettings().imports.feed(uuid.uuid4().hex)
    sessions = [_session(feed, number) for number in range(40)]
    _send_and_await(feed, sessions)
    return Sent(feed, sessions)


@pytest.fixture(scope="session")
def odd() -> Odd:
    """Two sessions for each of the words that a page must be able to draw."""
    feed = ImportSettings().imports.feed(uuid.uuid4().hex)
    sessions = [_session_of(feed, number, word) for number, word in enumerate(WORDS * 2)]
    _send_and_await(feed, sessions)
    return Odd(feed, sessions, WORDS)


def _session_of(feed: str, number: int, word: str) -> Session:
    session = _session(feed, 3 * number)
    return msgspec.structs.replace(
        session,
        **dict.fromkeys(("device_type", "referrer", "country", "gender", "operating_system"), word),
        browser_type=word,
        payment_method_type=word,
        product_categories=[word] * len(session.actions),
        reviews=[Review(product_id="p1", rating=5, text=TEXTS["positive"], sentiment="positive")],
    )


def _send_and_await(feed: str, sessions: list[Session]) -> None:
    _send(sessions)
    settings = ElasticsearchSettings()
    documents = {
        topics.SESSION_SUMMARIES: len(sessions),
        topics.PRODUCT_SENTIMENT: sum(len(session.reviews) for session in sessions),
    }
    with client(settings) as asked:
        for index, wanted in documents.items():
            query = {"term": {"feed": feed}}
            name = settings.index_prefix + index
            until(lambda: asked.count(index=name, query=query)["count"] == wanted, f"{wanted} in {name}")  # noqa: B023
