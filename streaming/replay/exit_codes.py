"""How both commands end: what was asked in vain is said in a sentence, with an exit code of its own."""

from collections.abc import Callable

from confluent_kafka import KafkaException
from rich.console import Console

from streaming.file_import.verdicts import GateSilent
from streaming.kafka.offsets import StageBehind

DONE, NOT_ALL, USAGE, UNKNOWN = 0, 1, 2, 3


class InvalidRequest(Exception):
    """What was asked for makes no sense as it stands; the text says why."""


def carried_out(ask: Callable[[], int]) -> int:
    """The exit code of `ask`; USAGE where it raised Refused, UNKNOWN where Kafka or the gate was away."""
    console = Console(stderr=True)

    def failed(code: int, message: str) -> int:
        console.print(message, style="red", markup=False, highlight=False, soft_wrap=True)
        return code

    try:
        return ask()
    except InvalidRequest as error:
        return failed(USAGE, str(error))
    except (StageBehind, GateSilent) as error:
        return failed(UNKNOWN, f"The gate has not judged everything: {error}")
    except KafkaException as error:
        return failed(UNKNOWN, f"Kafka cannot be asked: {error}. See ./vitrine status")
