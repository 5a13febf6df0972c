"""Separates records from errors in what a consumer delivers."""

import logging
from collections.abc import Sequence

from confluent_kafka import KafkaException, Message

_log = logging.getLogger(__name__)


def records(messages: Sequence[Message]) -> list[Message]:
    """Returns the records in their order. Logs transient errors; raises a fatal one as KafkaException."""
    found = []
    for message in messages:
        error = message.error()
        if error is None:
            found.append(message)
        elif error.fatal():
            raise KafkaException(error)
        else:
            _log.warning("kafka_error", extra={"cause": error.str()})
    return found
