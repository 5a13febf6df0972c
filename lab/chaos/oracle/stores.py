"""Checks that MongoDB and Elasticsearch contain exactly what follows from the valid sessions."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from lab.chaos.oracle.contract import IDENTITY, Fields
from lab.chaos.oracle.findings import Findings
from lab.chaos.oracle.gate import content_and_facts, whole
from lab.chaos.oracle.readings import Document, Record, fields

HOUR_MS = 3_600_000
Documents = Iterable[tuple[str, Document]]
FIGURES = ("views", "carts", "removals", "purchases", "revenueCents")
MOST = {"product": 200, "category": 50}
"""How many of one session have totals of their own; the others are counted under `other`."""
LISTED = {
    "deviceType": "mobile tablet desktop",
    "operatingSystem": "iOS iPadOS Android Windows macOS Linux",
    "browserType": "Safari Chrome Samsung_Internet Firefox Edge",
    "gender": "female male",
    "referrer": "Direct Google Email Facebook Instagram Pinterest Bing Affiliate",
    "country": "United_States Germany United_Kingdom France Canada Spain",
    "paymentMethodType": "credit_card paypal apple_pay klarna bank_transfer",
}
"""The words that the workload sends and that are on lists; its others are on none, and count as `other`."""
PERSONAL = {*IDENTITY, "identity", "city"}
"""What no document in Elasticsearch may have."""
ACTION_FIGURE = {"view": "views", "cart": "carts", "remove_from_cart": "removals", "purchase": "purchases"}


def judge_mongodb(valid: Iterable[Record], found: Iterable[Document], findings: Findings) -> None:
    """Checks that each valid session is one document with its id, field by field."""
    wanted = {session["sessionPseudonym"]: content_and_facts(whole(session)) for session in _sessions(valid)}
    seen: set[str] = set()
    for document in found:
        findings.counts["mongodb"] += 1
        id_ = document.get("sessionPseudonym")
        if id_ not in wanted:
            findings.is_wrong(f"MongoDB has {document['_id']}, which is not a valid session")
        elif id_ in seen:
            findings.is_duplicated(f"MongoDB has {id_} again as {document['_id']}")
        elif wanted[id_] != content_and_facts(whole(document)) or document["_id"] != id_:
            findings.is_wrong(f"MongoDB has {id_} with different content")
        seen.add(str(id_))
    for id_ in wanted.keys() - seen:
        findings.is_lost(f"MongoDB lacks {id_}")


def judge_summaries(valid: Iterable[Record], found: Documents, findings: Findings) -> None:
    """Checks that each valid session has one summary with the right figures."""
    wanted = {session["sessionPseudonym"]: _summary(session) for session in _sessions(valid)}
    _judge("session_summaries", wanted, ((doc["sessionPseudonym"], doc) for _, doc in found), findings)


def judge_sentiment(valid: Iterable[Record], found: Documents, findings: Findings) -> None:
    """Checks that each review of each valid session has one document. The sentiment of the text is not
    checked."""
    wanted: dict[str, Document] = {}
    for session in _sessions(valid):
        for number, review in enumerate(session["reviews"]):
            wanted[f"{session['sessionPseudonym']}:{number}"] = {
                "sessionPseudonym": session["sessionPseudonym"],
                "userPseudonym": session["userPseudonym"],
                "productId": review["productId"],
                "rating": review["rating"],
                "statedSentiment": review["sentiment"],
            }
    _judge("product_sentiment", wanted, found, findings)


def judge_activity(valid: Iterable[Record], found: Documents, findings: Findings) -> None:
    """Checks that the figures of each product and category in each hour are the sums over the valid sessions
    that are not late."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for session in _sessions(valid):
        if session["late"]:
            continue
        hour = session["eventTimeMs"] // HOUR_MS * HOUR_MS
        own: dict[str, set[str]] = {"product": set(), "category": set()}
        for product, category, price, action in zip(
            session["productIds"], session["productCategories"], session["productPrices"], session["actions"],
            strict=True,
        ):  # fmt: skip
            for level, subject in (("product", product), ("category", category)):
                if len(own[level]) < MOST[level]:
                    own[level].add(subject)
                at = f"{level} {hour} {subject if subject in own[level] else 'other'}"
                sums[at][ACTION_FIGURE[action]] += 1
                if action == "purchase":
                    sums[at]["revenueCents"] += round(price * 100)
    wanted = {at: {name: figures[name] for name in FIGURES} for at, figures in sums.items()}
    _judge("product_activity", wanted, ((_subject(doc), doc) for _, doc in found), findings)


def _subject(activity: Document) -> str:
    of = activity["productId"] if activity["level"] == "product" else activity["category"]
    return f"{activity['level']} {activity['windowStartMs']} {of}"


def _judge(where: str, wanted: dict[str, Document], found: Documents, findings: Findings) -> None:
    seen: set[str] = set()
    for id_, document in found:
        findings.counts[where] += 1
        if singled := document.keys() & PERSONAL:
            findings.is_wrong(f"{where} {id_} has {', '.join(sorted(singled))}")
        expected = wanted.get(id_)
        if expected is None:
            findings.is_wrong(f"{where} has {id_}, which does not follow from any session")
        elif id_ in seen:
            findings.is_duplicated(f"{where} has {id_} twice")
        elif differing := [name for name, value in expected.items() if document.get(name) != value]:
            findings.is_wrong(f"{where} {id_}: {', '.join(differing)}")
        seen.add(id_)
    for id_ in wanted.keys() - seen:
        findings.is_lost(f"{where} lacks {id_}")


def _sessions(valid: Iterable[Record]) -> Iterable[Fields]:
    return (fields(record.value) for record in valid)


def _summary(session: Fields) -> dict[str, Any]:
    actions: Counter[str] = Counter(session["actions"])
    copied = (
        "userPseudonym", "userKind", "feed", "late", "eventTimeMs", "arrivedAtMs", "pageViews", "clicks",
        "purchaseMade", "state",
    )  # fmt: skip
    words = {name: _word(session[name], listed) for name, listed in LISTED.items()}
    return (
        {name: session[name] for name in copied}
        | words
        | {
            "viewed": actions["view"],
            "carted": actions["cart"],
            "removed": actions["remove_from_cart"],
            "purchased": actions["purchase"],
            "distinctProducts": len(set(session["productIds"])),
            "amountSpentCents": round(session["amountSpent"] * 100),
            "reviewCount": len(session["reviews"]),
        }
    )


def _word(said: str | None, listed: str) -> str | None:
    return said if said is None or said.replace(" ", "_") in listed.split() else "other"
