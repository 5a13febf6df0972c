"""Reading the headers of a message."""

from streaming.contract.headers import Headers, header_texts, headers_of


class Message:
    def __init__(self, headers: Headers | None) -> None:
        self._headers = headers

    def headers(self) -> Headers | None:
        return self._headers


def test_a_message_without_headers_has_none() -> None:
    assert headers_of(Message(None)) == []
    assert header_texts(Message(None)) == {}


def test_any_bytes_are_decoded_to_texts() -> None:
    message = Message([("a", b"\xc3\xa9"), ("b", b"\xff"), ("c", None), ("d", "text"), ("a", b"last")])
    assert header_texts(message) == {"a": "last", "b": "\ufffd", "c": "", "d": "text"}
