"""No log line contains data of a message, whatever the message is and wherever it fails."""

import io
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import PSEUDONYMS

from streaming.contract import valid_session
from streaming.contract.rejection import Rejection
from streaming.dedup.port import ClaimAnswer
from streaming.gate.candidate import Candidate
from streaming.gate.decide import PartitionState, Raw, Rules, decide
from streaming.gate.process import Batch
from streaming.gate.records import records
from streaming.process import logs
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.newest import IndexRecord, arrivals, newest
from streaming.sinks.mongo.documents import document
from streaming.stores import StoreUnavailable
from streaming.summaries.batch import reduce
from streaming.summaries.documents import documents
from streaming.summaries.key_limit import USUAL
from streaming.words.lists import Words

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "streaming/contract/golden/session_v1.json").read_text()
)
NOW_MS = GOLDEN["eventTimeMs"]
DAY_MS = 86_400_000
MARK = "zZmArKzZ"
WORDS = Words()
RULES = Rules(0, 1, 10_000 * DAY_MS, PSEUDONYMS)


def marked(value: Any) -> Any:
    """`value` with the mark in every text except keys."""
    if isinstance(value, str):
        return f"{MARK}@{value}"
    if isinstance(value, list):
        return [marked(one) for one in value]
    return {key: marked(one) for key, one in value.items()} if isinstance(value, dict) else value


CLOSED = {"deviceType", "feed", "actions", "referrer", "gender"}
"""Fields with few possible values: a message with the mark in them is rejected, without it can be valid."""


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A session with the mark in names, e-mail address, ids and texts. It may also have an extra field, a
    field of a wrong type, a missing field, the mark where it is not allowed, or be cut off."""
    fields: dict[str, Any] = {key: value if key in CLOSED else marked(value) for key, value in GOLDEN.items()}
    fields["reviews"] = [review | {"text": MARK, "name": MARK} for review in GOLDEN["reviews"]]
    for name in draw(st.lists(st.sampled_from(sorted(GOLDEN)), max_size=2)):
        wrong = st.sampled_from([MARK, [MARK], {MARK: MARK}, None, -1, 1e300, [[[MARK]]]])
        fields[name] = draw(wrong)
    if draw(st.booleans()):
        fields[MARK] = MARK
    if draw(st.booleans()):
        fields.pop(draw(st.sampled_from(sorted(GOLDEN))), None)
    raw = json.dumps(fields).encode()
    return raw[: draw(st.integers(0, len(raw)))] if draw(st.integers(0, 3)) == 0 else raw


@contextmanager
def listening() -> Iterator[io.StringIO]:
    """Everything logged at the lowest level, with the logging of an entry point."""
    before, hooks, root = sys.stderr, (sys.excepthook, threading.excepthook), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    heard = sys.stderr = io.StringIO()
    try:
        logs.to_standard_error(logging.DEBUG)
        yield heard
    finally:
        sys.stderr, (sys.excepthook, threading.excepthook) = before, hooks
        root.handlers[:] = handlers
        root.setLevel(level)


def told(heard: io.StringIO) -> list[dict[str, Any]]:
    assert MARK not in heard.getvalue()
    return [json.loads(line) for line in heard.getvalue().splitlines()]


def steps(value: bytes) -> Iterator[Callable[[], object]]:
    """Processes a message as gate, store, summaries and index do."""
    raw = Raw(0, 1, NOW_MS, MARK.encode(), value)
    batch = Batch([raw], {0: 0}, RULES)
    answers = [ClaimAnswer.NEW_USER] * sum(isinstance(one, Candidate) for one in batch.parsed)
    decision = decide([raw], batch.parsed, answers, {0: PartitionState()}, RULES)
    for one in batch.parsed:
        if isinstance(one, Rejection):
            assert MARK not in one.detail
            logging.info("refused", extra={"reason": one.reason, "detail": one.detail})
    for record in records(decision):
        admitted = record.value or b""
        yield lambda admitted=admitted: document(admitted, PSEUDONYMS)  # type: ignore[misc]
        yield lambda admitted=admitted: list(documents(valid_session.decode(admitted, PSEUDONYMS), WORDS))  # type: ignore[misc]
        for index, kind in DOCUMENTS.items():
            written, _ = newest([IndexRecord(index, 0, 1, NOW_MS, MARK.encode(), admitted)])
            yield lambda written=written: list(arrivals(write for _, write in written.values()))  # type: ignore[misc]
            yield lambda admitted=admitted, kind=kind: msgspec.json.decode(admitted, type=kind)  # type: ignore[misc]
    yield lambda: document(value, PSEUDONYMS)
    yield lambda: reduce([value], False, USUAL, WORDS, PSEUDONYMS)
    yield lambda: GOLDEN[json.loads(value)["sessionId"]]


@given(messages())
def test_no_log_line_contains_data_of_a_message(value: bytes) -> None:
    failures = 0
    with listening() as heard:
        for step in steps(value):
            try:
                step()
            except Exception as error:
                failures += 1
                logging.exception("failed")
                wrapped = StoreUnavailable("the store did not take a document")
                wrapped.__cause__ = error
                sys.excepthook(type(wrapped), wrapped, error.__traceback__)
    lines = told(heard)
    assert sum(line["event"] == "crashed" for line in lines) == failures >= 1
    assert all(line["raised"] for line in lines if line["event"] == "failed")


def test_texts_of_our_exceptions_are_logged_with_the_types_of_their_causes() -> None:
    with listening() as heard:
        try:
            try:
                raise KeyError(MARK)
            except KeyError as error:
                raise StoreUnavailable("Redis is full") from error
        except StoreUnavailable:
            logging.exception("failed")
    [line] = told(heard)
    assert line["exception"] == ["builtins.KeyError", "streaming.stores.StoreUnavailable: Redis is full"]
    assert len(line["raised"]) == 2
    assert "test_no_content.py" in line["raised"][0]


def test_the_mark_is_in_the_texts_of_library_exceptions() -> None:
    """The property above can fail: these texts contain the mark and must not be logged."""
    with pytest.raises(msgspec.ValidationError, match=re.escape(MARK)):
        msgspec.json.decode(json.dumps({"index": MARK}), type=dict[str, Literal["a", "b"]])
