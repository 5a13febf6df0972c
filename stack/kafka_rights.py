"""What each user of Kafka may do, derived from the declarations of the stages. Pure."""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from stack.principals import Principal
from streaming.contract import topics
from streaming.contract.topology import (
    EXTRACTION_GROUP,
    FLINK_JOB,
    LOOKING_GROUPS,
    PYTHON_STAGES,
    STAGES,
    StageDeclaration,
)

STAGE_OF = {
    FLINK_JOB: Principal.FLINK,
    **{stage: Principal(stage.name) for stage in PYTHON_STAGES},
}


class Right(NamedTuple):
    """An operation on one resource, or on all whose name begins with `name`. Reading and writing include
    describing: its partitions and offsets, or the members of a group."""

    principal: str
    """A Principal, or a user whom only the containers have (docker/kafka_setup.py)."""
    resource: Literal["topic", "group", "transactional_id"]
    name: str
    operation: Literal["read", "write", "describe", "describe_configs"]
    begins: bool = False


def rights(prefix: str) -> frozenset[Right]:
    """Returns all rights. The admin and the broker need none: they may do everything. `prefix`: of topics and
    groups."""
    every = tuple(topic.name for topic in topics.declared(partitions=1, retention_ms=1))
    groups = tuple(stage.group for stage in STAGES)
    found = {right for stage in STAGES for right in _of_stage(stage)}
    for principal in (*STAGE_OF.values(), Principal.AIRFLOW, Principal.WATCH):
        found |= set(_all(principal, "topic", every, "describe"))
        found |= set(_all(principal, "group", LOOKING_GROUPS, "describe"))
    for principal in (Principal.AIRFLOW, Principal.WATCH):
        found |= set(_all(principal, "topic", every, "read"))
        found |= set(_all(principal, "group", groups, "describe"))
    found.add(Right(Principal.AIRFLOW, "group", EXTRACTION_GROUP, "read"))
    found |= set(_all(Principal.WATCH, "topic", every, "describe_configs"))
    found.add(Right(Principal.SHOP, "topic", topics.RAW, "write"))
    return frozenset(right._replace(name=prefix + right.name) for right in found)


def _of_stage(stage: StageDeclaration) -> Iterator[Right]:
    principal, looked_at = STAGE_OF[stage], (*stage.reads, *stage.looks_into)
    yield from _all(principal, "topic", looked_at, "read")
    yield from _all(principal, "topic", looked_at, "describe_configs")  # how long they keep records
    yield from _all(principal, "topic", stage.writes, "write")
    yield Right(principal, "group", stage.group, "read")
    if stage.transactional_ids is not None:
        yield Right(principal, "transactional_id", stage.transactional_ids, "write", begins=True)


def _all(
    principal: Principal,
    resource: Literal["topic", "group"],
    names: Iterable[str],
    operation: Literal["read", "write", "describe", "describe_configs"],
) -> Iterator[Right]:
    return (Right(principal, resource, name, operation) for name in names)
