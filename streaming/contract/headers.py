"""Headers of Kafka records. Pure."""

from typing import Any, Protocol, cast

Headers = list[tuple[str, str | bytes | None]]
"""As Kafka clients use them: a name may occur more than once."""


class HasHeaders(Protocol):
    """A message that a Kafka client has read."""

    def headers(self) -> Any: ...


def headers_of(message: HasHeaders) -> Headers:
    """Returns the headers of `message`; the client declares wider types than it returns."""
    return cast(Headers, message.headers() or [])


def header_texts(message: HasHeaders) -> dict[str, str]:
    """Returns the headers of `message` by name; the last one if a name occurs twice. Bytes that are not UTF-8
    are replaced, and a header without a value becomes an empty text."""
    return {name: _text(value) for name, value in headers_of(message)}


def _text(value: str | bytes | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
