"""Whether a client lost a connection that it had sent requests on."""

import logging
import re

_log = logging.getLogger(__name__)
_NOTHING_SENT = re.compile(r" in state (?!UP\b|REAUTH\b)[A-Z_]+|/bootstrap: Decommissioning")
"""Of a connection that was never up, or of the first one, which every client leaves for the brokers proper.
What reads otherwise, in a librdkafka to come too, counts as lost."""


class Connections:
    """The `logger` of a client with the property `debug` set to `broker`.

    librdkafka repeats a request whose connection broke, and says so nowhere but in its log: its error
    callback keeps quiet about connections that close, and about an error that is like the one before.
    """

    def __init__(self) -> None:
        self.lost = False
        """Whether a connection broke on which requests may be under way. Known once the client is polled."""

    def log(self, level: int, form: str, facility: str, client: str, text: str) -> None:
        """Called by the client. What is no debugging goes on into our own log."""
        if facility == "FAIL" and not _NOTHING_SENT.search(text):
            self.lost = True
        if level > logging.DEBUG:
            _log.log(level, "kafka_client", extra={"client": client, "facility": facility, "text": text})
