"""The oracle accepts a correct history and detects every planted error in it."""

import hashlib
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from lab.chaos.generator import events
from lab.chaos.oracle import gate, stores
from lab.chaos.oracle.contract import expected
from lab.chaos.oracle.findings import Findings
from lab.chaos.oracle.readings import Document, Record, fields

IDENTITY = ("userId", "sessionId", "name", "email", "zipCode")
ADDRESS = re.compile(r"ada\.\d+@example\.org")
END_MS = 1_790_000_000_000


@dataclass
class History:
    """The messages sent and the outputs of a gate without faults."""

    raw: list[Record] = field(default_factory=list)
    valid: list[Record] = field(default_factory=list)
    rejected: list[Record] = field(default_factory=list)

    def judged(self) -> Findings:
        findings = Findings()
        gate.judge(self.raw, self.valid, self.rejected, findings)
        return findings


def history(count: int = 1_500) -> History:
    made, newest = History(), [0, 0]
    sessions: set[tuple[str, str]] = set()
    users: set[str] = set()
    for number, event in enumerate(events(count, 4, END_MS, 2)):
        partition = zlib.crc32(event.key or b"") % 2 if event.partition is None else event.partition
        raw = Record(partition, number, END_MS + number, event.key, event.value, {})
        made.raw.append(raw)
        sent, against = expected(event.value, raw.at_ms)
        reason = min(
            against, default="duplicate" if (sent.get("userId"), sent.get("sessionId")) in sessions else ""
        )
        if reason:
            headers = {"reason": reason, "raw_partition": partition, "raw_offset": number}
            headers["arrived_at_ms"] = raw.at_ms
            encoded = {name: str(value).encode() for name, value in headers.items()}
            kept = (b"%d" % partition, None) if reason == "no_consent" else (raw.key, raw.value)
            made.rejected.append(Record(0, len(made.rejected), 0, *kept, encoded))
            continue
        facts = {
            "userKind": "returning" if sent["userId"] in users else "new",
            "late": sent["eventTimeMs"] < newest[partition] - gate.LATENESS_MS,
            "rawPartition": partition,
            "rawOffset": number,
            "arrivedAtMs": raw.at_ms,
        }
        sessions.add((sent["userId"], sent["sessionId"]))
        users.add(sent["userId"])
        newest[partition] = max(newest[partition], sent["eventTimeMs"])
        made.valid.append(passed_on(len(made.valid), sent, facts))
    return made


def passed_on(offset: int, sent: Document, facts: Document) -> Record:
    """What a gate writes: its own pseudonyms, an object with the identity, and no address elsewhere."""
    user, session = sent["userId"], sent["sessionId"]
    names = {"userPseudonym": digest("user", user), "sessionPseudonym": digest(user, session)}
    content = {name: value for name, value in sent.items() if name not in IDENTITY}
    cleaned = json.loads(ADDRESS.sub("[mail]", json.dumps(content)))
    message = {"feed": "live"} | cleaned | facts | names | {"pseudonymKey": "key"}
    message["identity"] = {name: sent[name] for name in IDENTITY}
    return Record(0, offset, 0, names["userPseudonym"].encode(), json.dumps(message).encode(), {})


def digest(*words: str) -> str:
    return hashlib.sha256(repr(words).encode()).hexdigest()[:32]


def change(record: Record, **facts: Any) -> Record:
    return record._replace(value=json.dumps(fields(record.value) | facts).encode())


def lose_valid(made: History) -> None:
    del made.valid[7]


def lose_rejected(made: History) -> None:
    del made.rejected[-1]


def double_valid(made: History) -> None:
    made.valid.append(made.valid[7])


def refuse_a_first_copy(made: History) -> None:
    """Spoils a history like a filter that was set before the output was committed."""
    of = fields(made.valid.pop(7).value)
    [raw] = [one for one in made.raw if one.offset == of["rawOffset"]]
    headers = {"reason": "duplicate", "raw_partition": of["rawPartition"], "raw_offset": raw.offset}
    encoded = {name: str(value).encode() for name, value in (headers | {"arrived_at_ms": raw.at_ms}).items()}
    made.rejected.append(Record(0, 10_000, 0, raw.key, raw.value, encoded))


def let_a_copy_through(made: History) -> None:
    [again, *_] = [one for one in made.rejected if one.headers["reason"] == b"duplicate"]
    made.rejected.remove(again)
    place = {
        "rawPartition": int(again.headers["raw_partition"]),
        "rawOffset": int(again.headers["raw_offset"]),
    }
    sent = json.loads(again.value or b"")
    facts = {"userKind": "returning", "late": False, "arrivedAtMs": int(again.headers["arrived_at_ms"])}
    made.valid.append(passed_on(10_000, sent, facts | place))


def make_known_users_new(made: History) -> None:
    at, known = next((i, r) for i, r in enumerate(made.valid) if fields(r.value)["userKind"] == "returning")
    made.valid[at] = change(known, userKind="new")


def make_a_punctual_one_late(made: History) -> None:
    made.valid[7] = change(made.valid[7], late=not fields(made.valid[7].value)["late"])


def alter_content(made: History) -> None:
    made.valid[7] = change(made.valid[7], clicks=-1)


def alter_original(made: History) -> None:
    made.rejected[0] = made.rejected[0]._replace(value=b"{}")


def give_another_reason(made: History) -> None:
    made.rejected[0] = made.rejected[0]._replace(
        headers=made.rejected[0].headers | {"reason": b"not_finite_at_all"}
    )


def _without_consent(made: History) -> tuple[int, Record, Record]:
    """Returns the place of an outcome `no_consent`, the outcome, and the raw message."""
    at, outcome = next(
        (i, one) for i, one in enumerate(made.rejected) if one.headers["reason"] == b"no_consent"
    )
    [raw] = [one for one in made.raw if one.offset == int(outcome.headers["raw_offset"])]
    return at, outcome, raw


def keep_what_was_refused(made: History) -> None:
    at, outcome, raw = _without_consent(made)
    made.rejected[at] = outcome._replace(value=raw.value)


def keep_whose_it_was(made: History) -> None:
    at, outcome, raw = _without_consent(made)
    made.rejected[at] = outcome._replace(key=raw.key)


def call_a_refusal_broken(made: History) -> None:
    at, outcome, raw = _without_consent(made)
    headers = outcome.headers | {"reason": b"negative"}
    made.rejected[at] = outcome._replace(key=raw.key, value=raw.value, headers=headers)


def drop_what_was_agreed(made: History) -> None:
    made.rejected[0] = made.rejected[0]._replace(
        key=b"0", value=None, headers=made.rejected[0].headers | {"reason": b"no_consent"}
    )


def let_a_refusal_through(made: History) -> None:
    at, _, raw = _without_consent(made)
    del made.rejected[at]
    facts = {"userKind": "new", "late": False, "rawPartition": raw.partition, "rawOffset": raw.offset}
    made.valid.append(passed_on(10_000, json.loads(raw.value or b""), facts | {"arrivedAtMs": raw.at_ms}))


def give_two_users_one_pseudonym(made: History) -> None:
    other = fields(made.valid[8].value)["userPseudonym"]
    made.valid[7] = change(made.valid[7], userPseudonym=other)._replace(key=other.encode())


def let_an_id_out(made: History) -> None:
    made.valid[7] = change(made.valid[7], userId="u")


def pass_an_address_on(made: History) -> None:
    """The workload's own: left as it was sent."""
    at, known = next((i, r) for i, r in enumerate(made.valid) if fields(r.value)["city"] == "[mail]")
    made.valid[at] = change(known, city=fields(known.value)["identity"]["userId"].removeprefix("user "))


def make_something_of_nothing(made: History) -> None:
    made.valid.append(change(made.valid[7], rawOffset=99_999))


SPOILT: list[tuple[Callable[[History], None], str]] = [
    (lose_valid, "lost"),
    (lose_rejected, "lost"),
    (refuse_a_first_copy, "lost"),
    (double_valid, "duplicated"),
    (let_a_copy_through, "duplicated"),
    (make_known_users_new, "wrong"),
    (make_a_punctual_one_late, "wrong"),
    (alter_content, "wrong"),
    (alter_original, "wrong"),
    (give_another_reason, "wrong"),
    (keep_what_was_refused, "wrong"),
    (keep_whose_it_was, "wrong"),
    (call_a_refusal_broken, "wrong"),
    (drop_what_was_agreed, "wrong"),
    (let_a_refusal_through, "wrong"),
    (give_two_users_one_pseudonym, "wrong"),
    (let_an_id_out, "wrong"),
    (pass_an_address_on, "wrong"),
    (make_something_of_nothing, "wrong"),
]


def test_a_sound_history_is_found_sound() -> None:
    findings = history().judged()
    assert findings.none, findings.examples
    assert findings.counts["valid"] > 1_000
    assert findings.counts["duplicate"] > 30
    assert findings.counts["no_consent"] > 20


@pytest.mark.parametrize(("spoil", "kind"), SPOILT, ids=lambda one: getattr(one, "__name__", one))
def test_a_spoilt_history_is_detected(spoil: Callable[[History], None], kind: str) -> None:
    made = history()
    spoil(made)
    assert getattr(made.judged(), kind) > 0


def sessions(made: History) -> list[Document]:
    return [{"_id": s["sessionPseudonym"], **s} for s in (fields(record.value) for record in made.valid)]


def mongodb(made: History, found: list[Document]) -> Findings:
    findings = Findings()
    stores.judge_mongodb(made.valid, found, findings)
    return findings


def test_mongodb_must_have_each_session_once_and_unchanged() -> None:
    made = history(300)
    assert mongodb(made, sessions(made)).none
    assert mongodb(made, sessions(made)[1:]).lost == 1
    again = {**sessions(made)[0], "_id": "another"}
    assert mongodb(made, [*sessions(made), again]).duplicated == 1
    altered = [{**sessions(made)[0], "clicks": -1}, *sessions(made)[1:]]
    assert mongodb(made, altered).wrong == 1
    stranger = {"_id": "x", "sessionPseudonym": "x"}
    assert mongodb(made, [*sessions(made), stranger]).wrong == 1


def activity(made: History, found: list[Document]) -> Findings:
    findings = Findings()
    stores.judge_activity(made.valid, ((str(n), one) for n, one in enumerate(found)), findings)
    return findings


def test_window_sums_are_recomputed() -> None:
    made = history(200)
    found: dict[tuple[str, int, str], Document] = {}
    for session in sessions(made):
        if session["late"]:
            continue
        start = session["eventTimeMs"] - session["eventTimeMs"] % 3_600_000
        for i, action in enumerate(session["actions"]):
            product, category = session["productIds"][i], session["productCategories"][i]
            for level, of in (("product", product), ("category", category)):
                document = found.setdefault(
                    (level, start, of),
                    {"level": level, "windowStartMs": start, "category": category}
                    | {"productId": product if level == "product" else None}
                    | dict.fromkeys(stores.FIGURES, 0),
                )
                document[stores.ACTION_FIGURE[action]] += 1
                document["revenueCents"] += round(session["productPrices"][i] * 100) * (action == "purchase")
    documents = list(found.values())
    assert activity(made, documents).none
    assert activity(made, documents[1:]).lost == 1
    doubled = [{**documents[0], "views": documents[0]["views"] + 1}, *documents[1:]]
    assert activity(made, doubled).wrong == 1
