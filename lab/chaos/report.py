"""The report of a chaos test."""

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lab.chaos.oracle.findings import Findings
from lab.chaos.outage_effect import OutageEffect
from streaming.contract.visible import visible


@dataclass
class Report:
    """The results, as `--json` prints them."""

    events: int
    seed: int
    through: str
    kills: int = 0
    crash_points: Counter[str] = field(default_factory=Counter)
    victims: Counter[str] = field(default_factory=Counter)
    unacknowledged: list[int] = field(default_factory=list)
    """Number of messages at each kill."""
    void: list[str] = field(default_factory=list)
    """Reasons why the run proves nothing; empty if there are none."""
    findings: Findings = field(default_factory=Findings)
    distinct_users: dict[str, int] = field(default_factory=dict)
    flushes: int = 0
    false_positive_rate: float | None = None
    restarts: int = 0
    seconds: float = 0.0
    judged: bool = False
    outage: OutageEffect | None = None

    @property
    def holds(self) -> bool:
        return self.judged and self.findings.none and not self.void and self._bounded()

    def _bounded(self) -> bool:
        return self.outage is None or self.outage.memory_bounded()

    def as_json(self) -> dict[str, Any]:
        found = self.findings
        return {
            "events": self.events,
            "kills": self.kills,
            "seed": self.seed,
            "through": self.through,
            "crash_points": dict(sorted(self.crash_points.items())),
            "victims": dict(sorted(self.victims.items())),
            "unacknowledged_at_kills": {
                "least": min(self.unacknowledged, default=0),
                "median": round(median(self.unacknowledged)) if self.unacknowledged else 0,
            },
            "lost": found.lost,
            "duplicated": found.duplicated,
            "wrong": found.wrong,
            "examples": found.examples,
            "void": self.void,
            "outcomes": dict(sorted(found.counts.items())),
            "distinct_users": self.distinct_users,
            "flushes": self.flushes,
            "false_positive_rate": self.false_positive_rate,
            "restarts": self.restarts,
            "seconds": round(self.seconds, 1),
        } | ({"outage": self.outage.as_json()} if self.outage else {})

    def show(self, console: Console) -> None:
        """Prints the report for people."""
        result = "held" if self.holds else "VOID" if self.void else "did NOT hold"
        table = Table("figure", "count", title=f"{self.events:,} events, {self.kills} kills: {result}")
        for name in ("lost", "duplicated", "wrong"):
            table.add_row(name, str(getattr(self.findings, name)))
        for name, count in self.as_json().items():
            if isinstance(count, dict):
                for what, times in count.items():
                    table.add_row(f"{name}: {what}", str(times))
        table.add_row("seconds", f"{self.seconds:.0f}")
        console.print(table)
        for line in (*self.void, *self.findings.examples):
            console.print(Text(visible(line)), soft_wrap=True)
