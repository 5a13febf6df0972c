"""A rejected message written to a file and read back."""

import json

import pytest

from streaming.contract.correction import corrected, correction_headers
from streaming.contract.log_position import LogPosition
from streaming.replay.history import Rejected
from streaming.replay.lines import BadLine, Line, read, write


@pytest.mark.parametrize("value", [b"{", b"", b"\xff\x00", "ü \u2028 😀".encode(), b'{"a": 1.50}', b"[]\n"])
@pytest.mark.parametrize("key", [b"k", b"\xff", None])
def test_bytes_are_read_back_unchanged(key: bytes | None, value: bytes) -> None:
    line = write(Rejected(LogPosition(1, 7), "not_json", "$", 5, key, value))
    assert line.count(b"\n") == 1
    assert json.loads(line)["position"] == "1:7"
    assert read(line) == Line(LogPosition(1, 7), key, value)


def test_a_tombstone_becomes_empty_bytes() -> None:
    assert read(write(Rejected(LogPosition(0, 0), "not_json", "", 5, None, None))).value == b""


def test_the_value_may_be_an_object_instead_of_its_text() -> None:
    assert read(b'{"position": "0:3", "value": {"a": [1, "\xc3\xbc"]}}').value == '{"a":[1,"ü"]}'.encode()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'{"value": "x"}', "has no position"),
        (b'{"position": "0:3"}', "has no value"),
        (b'{"position": "3", "value": "x"}', "cannot be read"),
        (b'{"position": "0:-3", "value": "x"}', "cannot be read"),
        (b'{"position": "0:3", "value": 7}', "neither text nor an object"),
        (b'{"position": "0:3", "valueBase64": "*"}', "cannot be read"),
    ],
)
def test_a_line_that_cannot_be_sent_raises_a_clear_error(line: bytes, message: str) -> None:
    with pytest.raises(BadLine, match=message):
        read(line)


def test_the_headers_of_a_correction_are_valid_only_for_its_own_bytes() -> None:
    headers = correction_headers(LogPosition(3, 14), b"bytes")
    assert corrected(headers, b"bytes") == LogPosition(3, 14)
    assert corrected(headers, b"other") is None
    assert corrected(None, b"bytes") is None
    assert corrected([("corrects", b"x"), headers[1]], b"bytes") is None
