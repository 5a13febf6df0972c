"""Which stages run, on whatever machine: those that Kafka counts as members of their group."""

import time
from collections.abc import Callable, Collection

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from streaming.contract.topology import BY_NAME
from streaming.kafka import clients
from streaming.kafka.partitions import TIMEOUT_S
from streaming.process.exit_code import InvalidRequest
from streaming.settings import KafkaSettings

_POLL_S = 1.0


def running(settings: KafkaSettings, stages: Collection[str]) -> list[str]:
    """Returns those of `stages` whose group has a member. The Flink job's never has. Raises
    KafkaException."""
    groups = {clients.name(settings, BY_NAME[stage].group): stage for stage in stages}
    admin = AdminClient(clients.properties(settings))  # kept until its answers are here: they die with it
    answers = admin.describe_consumer_groups(list(groups), request_timeout=TIMEOUT_S)
    return [groups[group] for group, answer in answers.items() if _members(answer.result)]


def require_stopped(settings: KafkaSettings, stages: Collection[str], deadline_s: float) -> None:
    """Returns once none of `stages` runs. One that was killed counts until its session times out. Raises
    InvalidRequest at `deadline_s` (monotonic), and KafkaException."""
    while found := running(settings, stages):
        if time.monotonic() > deadline_s:
            raise InvalidRequest(
                f"Stages still read and write the log, perhaps on another machine: {', '.join(found)}. Stop "
                f"them there (./vitrine down {' '.join(found)}), then give the same command again"
            )
        time.sleep(_POLL_S)


def _members(result: Callable[[float], object]) -> Collection[object]:
    try:
        return result(TIMEOUT_S).members  # type: ignore[attr-defined,no-any-return]
    except KafkaException as error:
        if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:  # it has never committed anything
            return ()
        raise
