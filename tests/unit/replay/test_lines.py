"""A rejected message through a file and back."""

import json

import pytest

from streaming.contract.correction import corrected, correction_headers
from streaming.contract.log_position import LogPosition
from streaming.replay.history import Rejected
from streaming.replay.lines import BadLine, Line, read, write


@pytest.mark.parametrize("value", [b"{", b"", b"\xff\x00", "ü \u2028 😀".encode(), b'{"a": 1.50}', b"[]\n"])
@pytest.mark.parametrize("key", [b"k", b"\xff", None])
def test_bytes_come_back_as_they_were(key: bytes | None, value: bytes) -> None:
    line = write(Rejected(LogPosition(1, 7), "not_json", "$", 5, key, value))
    assert line.count(b"\n") == 1
    assert json.loads(line)["position"] == "1:7"
    assert read(line) == Line(LogPosition(1, 7), key, value)


def test_a_tombstone_is_sent_as_no_bytes() -> None:
    assert read(write(Rejected(LogPosition(0, 0), "not_json", "", 5, None, None))).value == b""


def test_an_object_may_stand_for_its_text() -> None:
    assert read(b'{"position": "0:3", "value": {"a": [1, "\xc3\xbc"]}}').value == '{"a":[1,"ü"]}'.encode()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"", "no JSON object"),
        (b"[]", "no JSON object"),
        (b'{"value": "x"}', "has no position"),
        (b'{"position": "0:3"}', "has no value"),
        (b'{"position": "3", "value": "x"}', "cannot be read"),
        (b'{"position": "0:-3", "value": "x"}', "cannot be read"),
        (b'{"position": "0:3", "value": 7}', "neither text nor an object"),
        (b'{"position": "0:3", "valueBase64": "*"}', "cannot be read"),
    ],
)
def test_what_cannot_be_sent_is_said(line: bytes, says: str) -> None:
    with pytest.raises(BadLine, match=says):
        read(line)


def test_a_correction_is_known_by_its_headers_on_its_own_bytes_alone() -> None:
    told = correction_headers(LogPosition(3, 14), b"bytes")
    assert corrected(told, b"bytes") == LogPosition(3, 14)
    assert corrected(told, b"other") is None
    assert corrected(None, b"bytes") is None
    assert corrected([("corrects", b"x"), told[1]], b"bytes") is None
