"""How a command ends that could not be carried out: one sentence on standard error, and its exit code."""

import sys
from collections.abc import Callable, Mapping

from confluent_kafka import KafkaException
from elasticsearch import ApiError

from streaming.kafka.offsets import StageBehind
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.settings import KafkaSettings
from streaming.stores import StoreUnavailable

EXIT_CODES: Mapping[type[Exception], ExitCode] = {
    InvalidRequest: ExitCode.INVALID_REQUEST,
    StageBehind: ExitCode.UNAVAILABLE,
    StoreUnavailable: ExitCode.UNAVAILABLE,
    KafkaException: ExitCode.UNAVAILABLE,
    ApiError: ExitCode.UNAVAILABLE,
}
"""What each exception means for the command that it ends. Any other one is a mistake of ours."""


def carried_out(command: Callable[[], int], in_vain: str = "") -> int:
    """The exit code of `command`, or that of the exception it ended with. `in_vain`: what an unavailable
    component means for whoever asked, put before the reason."""
    try:
        return command()
    except tuple(EXIT_CODES) as error:
        code = next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))
        words = (
            f"{in_vain}: {_sentence(error)}" if in_vain and code is ExitCode.UNAVAILABLE else _sentence(error)
        )
        print(f"vitrine: {words}", file=sys.stderr)
        return code


def _sentence(error: Exception) -> str:
    match error:
        case KafkaException():
            return f"Kafka at {KafkaSettings().bootstrap_servers}: {error}. Is it up? ./vitrine status"
        case ApiError():
            return f"Elasticsearch: {error}. Is it up? ./vitrine status"
        case StoreUnavailable():
            return f"{str(error).rstrip('.')}. Is it up? ./vitrine status"
    return str(error)
