"""Ends a command that failed: with one sentence on standard error and its exit code."""

import sys
from collections.abc import Callable, Mapping

from confluent_kafka import KafkaException
from elasticsearch import ApiError

from streaming.access_record.file import NotRecorded
from streaming.contract import pseudonym_key
from streaming.contract.pseudonym_key import OtherKey
from streaming.contract.visible import visible, visible_lines
from streaming.kafka.offsets import StageBehind
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.settings import KafkaSettings
from streaming.stores import StoreUnavailable

EXIT_CODES: Mapping[type[Exception], ExitCode] = {
    InvalidRequest: ExitCode.INVALID_REQUEST,
    OtherKey: ExitCode.INVALID_REQUEST,
    StageBehind: ExitCode.UNAVAILABLE,
    StoreUnavailable: ExitCode.UNAVAILABLE,
    NotRecorded: ExitCode.UNAVAILABLE,
    KafkaException: ExitCode.UNAVAILABLE,
    ApiError: ExitCode.UNAVAILABLE,
}
"""The exit code for each exception. Any other exception is a bug."""


def carried_out(command: Callable[[], int], failure: str = "") -> int:
    """Runs `command` and returns its exit code, or that of the exception that it raised. If a component is
    unavailable, the message begins with `failure`, which says what this means for the user."""
    try:
        return command()
    except tuple(EXIT_CODES) as error:
        code = next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))
        unavailable = code is ExitCode.UNAVAILABLE
        message = f"{failure}: {_sentence(error)}" if failure and unavailable else _sentence(error)
        # A wrong request quotes what it was given; that a component is away, it says itself, in many lines.
        shown = visible_lines(message) if unavailable else visible(message.strip())
        print(f"vitrine: {shown}", file=sys.stderr)
        return code


def _sentence(error: Exception) -> str:
    match error:
        case KafkaException():
            return f"Kafka at {KafkaSettings().bootstrap_servers}: {error}. Is it up? ./vitrine status"
        case ApiError():
            return f"Elasticsearch: {error}. Is it up? ./vitrine status"
        case OtherKey():
            return f"{error}: {pseudonym_key.REMEDY}"
        case StoreUnavailable():
            return f"{str(error).rstrip('.')}. Is it up? ./vitrine status"
    return str(error)
