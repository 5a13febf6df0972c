"""Structured logs: one JSON object a line on standard error, never with the content of a message.

An exception of a library may quote what it could not digest (a decoder the value, a database the document):
of such a one only its type is logged, and where it was raised. Lines that begin with a per cent sign are
librdkafka's own, about connections and never about records.
"""

import json
import logging
import sys
import threading
import traceback
from datetime import UTC, datetime
from types import TracebackType

_PLAIN = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_QUOTE_NOTHING = ("streaming", "stack", "pydantic_core", "confluent_kafka", "cimpl")
"""Packages whose exceptions may be logged with their text: our own, settings' (which hide their input), and
Kafka's, which knows bytes only."""


class JsonLines(logging.Formatter):
    """`ts`, `level`, `logger`, `event` (the message) and whatever was passed as `extra`; of an exception
    `exception`, its first cause first, and `raised`, the places that it passed."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in record.__dict__.items() if name not in _PLAIN}
        if record.exc_info and (error := record.exc_info[1]):
            line["exception"], line["raised"] = _told(error)
        return json.dumps(line, default=str)


def _told(error: BaseException) -> tuple[list[str], list[str]]:
    """What may be said of `error` and of what it came from; and the places it passed through."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    said, places = [], []
    for link in reversed(chain):
        kind = type(link)
        quotes_nothing = kind in (RuntimeError, OSError) or kind.__module__.split(".")[0] in _QUOTE_NOTHING
        said.append(f"{kind.__module__}.{kind.__qualname__}" + (f": {link}" if quotes_nothing else ""))
        frames = traceback.extract_tb(link.__traceback__)
        places += [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return said, places


def to_standard_error(level: int = logging.INFO) -> None:
    """Called once, by an entry point. What ends the process, or a thread of it, is logged as the rest is."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    sys.excepthook = _crashed
    threading.excepthook = lambda of: _crashed(of.exc_type, of.exc_value, of.exc_traceback)


def _crashed(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    logging.getLogger("streaming").critical("crashed", exc_info=(kind, error or kind(), where))
