"""The page 'Retention': how long each store keeps what it holds, how old the oldest is, and what was deleted
when. It shows numbers of sessions and documents, as the dashboards do, and nothing of any of them."""

import time
from datetime import UTC, datetime

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from msgspec import Struct

from streaming.contract.time_units import DAY_MS
from streaming.retention.place import Deletion, Kept, Record
from streaming.retention.plan import CHANGED, PLACES, TOPICS, limits
from streaming.retention.record import MongoRecord
from streaming.retention.settings import RetentionSettings
from streaming.settings import KafkaSettings, MongoSettings
from streaming.stores import StoreUnavailable
from vitrine_pages import page

router = APIRouter()
MOST = 100

NAMES = {
    TOPICS: "Kafka topics",
    "sessions": "MongoDB: sessions",
    "session_summaries": "Elasticsearch: session summaries",
    "product_sentiment": "Elasticsearch: sentiment of reviews",
    "product_activity": "Elasticsearch: window totals",
    "extracts": "Extracts (and similar users, made from them)",
    "trusted": "Exact figures and baselines of runs",
    "reports": "Reports",
    "task logs": "Logs of tasks",
}


class Row(Struct):
    """One line of the page."""

    name: str
    keeps: str
    before: str
    """The time before which everything goes at a run now."""
    oldest: str
    looked_at: str


class Deleted(Struct):
    """One deletion."""

    at: str
    name: str
    amount: int
    unit: str
    before: str


def stored_record() -> Record:
    """Returns what retention remembers."""
    return MongoRecord(MongoSettings())


@router.get("/retention")
def retention() -> HTMLResponse:
    """Returns the page; with status 503 while MongoDB is unavailable."""
    try:
        known = stored_record().read()
    except StoreUnavailable as error:
        response = page("retention.html", rows=[], deletions=[], problem=str(error))
        response.status_code = 503
        return response
    now_ms = time.time_ns() // 1_000_000
    found: list[tuple[Kept, Deletion]] = [(kept, one) for kept in known.values() for one in kept.deletions]
    found.sort(key=lambda pair: pair[1].at_ms, reverse=True)
    deletions = [_deleted(kept, one) for kept, one in found[:MOST]]
    rows = [_of_topics(known.get(TOPICS), now_ms)]
    boundaries_ms = {name: kept.before_ms for name, kept in known.items()}
    for limit in limits(RetentionSettings().days(), now_ms, boundaries_ms):
        rows.append(_row(limit.place, limit.days, limit.before_ms, known.get(limit.place)))
    return page("retention.html", rows=rows, deletions=deletions, problem="")


def _deleted(kept: Kept, one: Deletion) -> Deleted:
    name = NAMES.get(kept.place, kept.place)
    return Deleted(_moment(one.at_ms), name, one.deleted, kept.unit, _day(one.before_ms))


def _of_topics(known: Kept | None, now_ms: int) -> Row:
    kept_ms = KafkaSettings().retention_ms
    before_ms = now_ms - kept_ms if kept_ms >= 0 else 0
    return _row(TOPICS, 0 if kept_ms < 0 else max(1, kept_ms // DAY_MS), before_ms, known)


def _row(place: str, days: int, before_ms: int, known: Kept | None) -> Row:
    months = " and up to a month longer" if place in PLACES and place not in CHANGED else ""
    return Row(
        NAMES[place],
        f"{days} {'day' if days == 1 else 'days'}{months}" if days else "for ever",
        _day(before_ms) if before_ms else "",
        _day(known.oldest_ms) if known and known.oldest_ms is not None else "",
        _moment(known.looked_at_ms) if known and known.looked_at_ms else "",
    )


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
