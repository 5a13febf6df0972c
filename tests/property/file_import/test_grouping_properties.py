"""Grouping on disk agrees with a dictionary in memory, for any events."""

import csv
import io
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streaming.contract.feeds import ImportKeys
from streaming.contract.session import MAX_INTERACTIONS
from streaming.file_import.reading import Reading
from streaming.file_import.settings import IngestSettings
from streaming.file_import.shop_events import COLUMNS

KEYS = ImportKeys(("key",))
T_S = 1_572_566_400  # 2019-11-01T00:00Z
TIMES = {f"2019-11-01 00:0{m}:{s:02d} UTC": (T_S + 60 * m + s) * 1000 for m in (0, 1) for s in (0, 1, 59)} | {
    "2019-11-01T00:00:30Z": (T_S + 30) * 1000,
    "2019-11-01T02:00:30+02:00": (T_S + 30) * 1000,
    "2019-11-01 00:00:30.250": (T_S + 30) * 1000 + 250,
    "soon": None,
    "": None,
}
PRICES = {"1.5": 1.5, "0": 0.0, "-1": -1.0, "": None, "x": "x"}
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=6)

EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "event_time": st.sampled_from(sorted(TIMES)),
            "event_type": st.sampled_from(["view", "cart", "purchase", "wish"]),
            "product_id": CELL,
            "category_id": CELL,
            "category_code": CELL,
            "brand": CELL,
            "price": st.sampled_from(sorted(PRICES)),
            "user_id": st.sampled_from(["u1", "u2", "", "é"]),
            "user_session": st.sampled_from(["s1", "s2", "s3", "", "a\0b"]),
        }
    ),
    max_size=30,
)


class Unwatched:
    def read(self, position_bytes: int) -> None: ...

    def grouping(self) -> None: ...


def imported(content: str) -> tuple[int, list[dict[str, Any]]]:
    """Returns the number of events and the messages made of them."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "events.csv"
        path.write_text(content, newline="")
        reading = Reading(path, {}, Unwatched(), KEYS)
        sent = list(reading.messages(IngestSettings(memory_mb=256, threads=1), Path(directory)))
    return reading.events, [msgspec.json.decode(message.value) for message in sent]


def written(events: list[dict[str, str]], quoting: int) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]
    writer.writeheader()
    writer.writerows(events)
    return text.getvalue()


def oracle(events: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Returns the sessions in the order of their ends, each with its ids and its events' columns."""
    groups: defaultdict[tuple[str, str], list[tuple[bool, int, int, dict[str, str]]]] = defaultdict(list)
    for at, event in enumerate(events):
        time_ms = TIMES[event["event_time"]]
        groups[event["user_session"], event["user_id"]].append((time_ms is None, time_ms or 0, at, event))
    users = defaultdict(set)
    for session, user in groups:
        users[session].add(user)

    def ended(entries: list[tuple[bool, int, int, dict[str, str]]]) -> tuple[int, int]:
        known = [time_ms for unknown, time_ms, _, _ in entries if not unknown]
        return max(known, default=-1), min(at for _, _, at, _ in entries)

    sessions = []
    for (session, user), entries in sorted(groups.items(), key=lambda group: ended(group[1])):
        entries.sort(key=lambda entry: entry[:3])
        inside = [event for *_, event in entries]
        last = inside[-1]["event_time"]
        sessions.append(
            {
                "sessionId": f"{session}-{user}" if session and len(users[session]) > 1 else session,
                "userId": user,
                "eventTimeMs": last if TIMES[last] is None else TIMES[last],
                "actions": [event["event_type"] for event in inside],
                "productIds": [event["product_id"] for event in inside],
                "productPrices": [PRICES[event["price"]] for event in inside],
                "pageViews": sum(event["event_type"] == "view" for event in inside),
                "clicks": len(inside),
                "purchaseMade": any(event["event_type"] == "purchase" for event in inside),
            }
        )
    return sessions


@settings(max_examples=60)
@given(EVENTS, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
@example([], csv.QUOTE_MINIMAL)
def test_sessions_equal_those_grouped_by_a_dictionary(events: list[dict[str, str]], quoting: int) -> None:
    count, messages = imported(written(events, quoting))
    expected = oracle(events)
    assert count == len(events)
    for message, session in zip(messages, expected, strict=True):
        assert {name: message[name] for name in session} == session


@settings(max_examples=60)
@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1).filter(str.strip))
)
def test_no_line_is_lost(lines: list[str]) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "events.csv"
        path.write_text("\n".join([",".join(COLUMNS), *lines]), newline="")
        reading = Reading(path, {}, Unwatched(), KEYS)
        sent = [message.value for message in reading.messages(IngestSettings(), Path(directory))]
    assert reading.events == len(lines)
    malformed = [value for value in sent if not value.startswith(b'{"schemaVersion":1,')]
    sessions = [msgspec.json.decode(value) for value in sent if value not in malformed]
    grouped = [session["clicks"] for session in sessions]
    assert len(malformed) + sum(grouped) == len(lines)
    assert {value.decode() for value in malformed} <= set(lines)


def test_a_session_too_long_for_the_contract_is_cut_and_still_too_long() -> None:
    many = MAX_INTERACTIONS + 500
    row = {**dict.fromkeys(COLUMNS, "1"), "event_time": "2019-11-01 00:00:00 UTC", "event_type": "view"}
    other = row | {"user_session": "2"}
    count, messages = imported(written([row] * many + [other], csv.QUOTE_MINIMAL))
    assert count == many + 1
    assert [message["clicks"] for message in messages] == [MAX_INTERACTIONS + 1, 1]


def test_ids_written_as_floats_are_the_same_ids() -> None:
    event = {
        "event_time": "2019-11-01 00:00:01 UTC",
        "event_type": "view",
        "product_id": "33.0",
        "category_id": "22.0",
        "category_code": "",
        "brand": "b.0",
        "price": "1.5",
        "user_id": "554748717.0",
        "user_session": "s1",
    }
    plain = event | {"product_id": "33", "category_id": "22", "user_id": "554748717"}
    _, (message,) = imported(written([event, plain], csv.QUOTE_MINIMAL))
    assert message["userId"] == "554748717"
    assert message["productIds"] == ["33", "33"]
    assert message["productCategories"] == ["22", "22"]
    assert message["sessionId"] == "s1"
