"""The effect of an outage on the stages."""

from dataclasses import dataclass, field
from typing import Any

MOST_RESIDENT_BYTES = 400 * 2**20
"""The most memory that a stage may use, however long it waits."""


@dataclass
class OutageEffect:
    """The effect of an outage, as `--json` prints it under "outage"."""

    service: str
    seconds: float
    how: str
    """gone, frozen or full-disk"""
    resident_before: dict[str, int] = field(default_factory=dict)
    resident_most: dict[str, int] = field(default_factory=dict)
    """In bytes, the largest instance of each stage."""
    lag_most: dict[str, int] = field(default_factory=dict)
    caught_up_s: float = 0.0
    """From the service's return until every stage has caught up."""

    def memory_bounded(self) -> bool:
        return all(resident <= MOST_RESIDENT_BYTES for resident in self.resident_most.values())

    def as_json(self) -> dict[str, Any]:
        return vars(self) | {"memory_bounded": self.memory_bounded()}
