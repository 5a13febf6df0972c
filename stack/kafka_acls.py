"""Gives the users of the stack's own Kafka their declared rights, and takes all others."""

from collections.abc import Iterable
from typing import Any

from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from stack.kafka_rights import Right
from streaming.kafka import clients
from streaming.settings import KafkaSettings

TIMEOUT_S = 30.0
EVERYTHING: Any = (
    *(ResourceType.ANY, None, ResourcePatternType.ANY),
    *(None, None, AclOperation.ANY, AclPermissionType.ANY),
)
"""The filter that matches all rights."""


def put(settings: KafkaSettings, rights: Iterable[Right]) -> None:
    """Makes `rights` the only ones on the cluster. Raises KafkaException if the cluster refuses."""
    admin = AdminClient(clients.properties(settings))
    wanted = {_binding(right) for right in rights}
    found = set(admin.describe_acls(AclBindingFilter(*EVERYTHING)).result(TIMEOUT_S))
    _grant(admin, wanted - found)
    _take(admin, found - wanted)


def grant(settings: KafkaSettings, rights: Iterable[Right]) -> None:
    """Adds `rights` to those that the cluster has. Raises KafkaException if it refuses."""
    _grant(AdminClient(clients.properties(settings)), {_binding(right) for right in rights})


def take(settings: KafkaSettings, rights: Iterable[Right]) -> None:
    """Takes `rights` from those that the cluster has. Raises KafkaException if it refuses."""
    _take(AdminClient(clients.properties(settings)), {_binding(right) for right in rights})


def _grant(admin: AdminClient, bindings: set[AclBinding]) -> None:
    for granted in admin.create_acls(list(bindings)).values() if bindings else ():
        granted.result(TIMEOUT_S)


def _take(admin: AdminClient, bindings: set[AclBinding]) -> None:
    filters = [_filter(binding) for binding in bindings]
    for taken in admin.delete_acls(filters).values() if filters else ():
        taken.result(TIMEOUT_S)


def _binding(right: Right) -> AclBinding:
    return AclBinding(
        ResourceType[right.resource.upper()],
        right.name,
        ResourcePatternType.PREFIXED if right.begins else ResourcePatternType.LITERAL,
        f"User:{right.principal}",
        "*",
        AclOperation[right.operation.upper()],
        AclPermissionType.ALLOW,
    )


def _filter(binding: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )
