"""Headers of Kafka records. Pure."""

from typing import Any, Protocol, cast

Headers = list[tuple[str, str | bytes | None]]
"""As clients take and give them: a name may come more than once."""


class HasHeaders(Protocol):
    """A message that a Kafka client has read."""

    def headers(self) -> Any: ...


def headers_of(message: HasHeaders) -> Headers:
    """The headers of `message`; the client's types are wider than what it gives."""
    return cast(Headers, message.headers() or [])


def header_texts(message: HasHeaders) -> dict[str, str]:
    """The headers of `message` by name, the last one where a name comes twice. Bytes that are no UTF-8 are
    replaced, and a header without a value is an empty text."""
    return {name: _text(value) for name, value in headers_of(message)}


def _text(value: str | bytes | None) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
