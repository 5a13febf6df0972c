"""Counts the sessions of an import that retention will delete at its next run. Pure."""

import msgspec
from msgspec import Struct


class _Dated(Struct, rename="camel"):
    """The time of a session, by its name in the contract."""

    event_time_ms: int


_decode = msgspec.json.Decoder(_Dated).decode


class Expiring:
    """`before_ms`: the event time before which sessions are deleted; 0: none are."""

    def __init__(self, before_ms: int) -> None:
        self._before_ms = before_ms
        self.count = 0

    def note(self, message: bytes) -> None:
        """Counts a message if it is a session that is too old. What is no session is for the gate to say."""
        try:
            self.count += bool(self._before_ms) and _decode(message).event_time_ms < self._before_ms
        except (ValueError, RecursionError):
            return
