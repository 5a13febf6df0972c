"""Notices that a client lost a connection on which it had sent requests."""

import logging
import re

_log = logging.getLogger(__name__)
_NOTHING_SENT = re.compile(r" in state (?!UP\b|REAUTH\b)[A-Z_]+|/bootstrap: Decommissioning")
"""Matches failures of a connection that was never up, or of the bootstrap connection, which every client
closes. Any other text, also of a later librdkafka, counts as a lost connection."""


class Connections:
    """The `logger` of a client with the property `debug` set to `broker`.

    librdkafka repeats a request whose connection broke, and reports it only in its log: its error callback
    reports neither a connection that closes nor an error equal to the one before.
    """

    def __init__(self) -> None:
        self.lost = False
        """True if a connection broke on which requests may be under way. Updated when the client is
        polled."""

    def log(self, level: int, form: str, facility: str, client: str, text: str) -> None:
        """Called by the client. Everything above the level debug goes into the log of this process too."""
        if facility == "FAIL" and not _NOTHING_SENT.search(text):
            self.lost = True
        if level > logging.DEBUG:
            _log.log(level, "kafka_client", extra={"client": client, "facility": facility, "text": text})
