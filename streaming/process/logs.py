"""Structured logs: one JSON object per line on standard error, never with the content of a message.

The text of a library's exception may quote data (a decoder quotes the value, a database the document): only
its type and where it was raised are logged. Lines that begin with a per cent sign come from librdkafka; they
are about connections, never about records.
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
"""Packages whose exceptions may be logged with their text: our own, those of settings (which hide their
input), and Kafka's (which never quote records)."""


class JsonLines(logging.Formatter):
    """Writes `ts`, `level`, `logger`, `event` (the message) and everything passed as `extra`. For an
    exception also `exception`, the chain of exceptions from the first cause on, and `raised`, their stack
    frames."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in record.__dict__.items() if name not in _PLAIN}
        if record.exc_info and (error := record.exc_info[1]):
            line["exception"], line["raised"] = _described(error)
        # In ASCII: what a terminal would obey is escaped.
        return json.dumps(line, default=str, ensure_ascii=True)


def _described(error: BaseException) -> tuple[list[str], list[str]]:
    """Returns what may be logged about `error` and its causes, and their stack frames."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    exceptions, raised = [], []
    for link in reversed(chain):
        kind = type(link)
        quotes_nothing = kind in (RuntimeError, OSError) or kind.__module__.split(".")[0] in _QUOTE_NOTHING
        exceptions.append(f"{kind.__module__}.{kind.__qualname__}" + (f": {link}" if quotes_nothing else ""))
        frames = traceback.extract_tb(link.__traceback__)
        raised += [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return exceptions, raised


def to_standard_error(level: int = logging.INFO) -> None:
    """Sets up logging. An entry point calls it once. Exceptions that end the process, or one of its threads,
    are logged in the same format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    sys.excepthook = _crashed
    threading.excepthook = lambda of: _crashed(of.exc_type, of.exc_value, of.exc_traceback)


def _crashed(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    logging.getLogger("streaming").critical("crashed", exc_info=(kind, error or kind(), where))
