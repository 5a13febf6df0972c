"""What is wrong with the results: lost, duplicated or wrong."""

from collections import Counter
from dataclasses import dataclass, field

SHOWN = 10


@dataclass
class Findings:
    """The numbers of messages or documents that are lost, duplicated or wrong, and the first few of them, by
    log position or id."""

    lost: int = 0
    duplicated: int = 0
    wrong: int = 0
    examples: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """Number of records found, right or wrong, by outcome or store."""

    @property
    def none(self) -> bool:
        return not (self.lost or self.duplicated or self.wrong)

    def is_lost(self, what: str) -> None:
        self.lost += 1
        self._show(f"lost: {what}")

    def is_duplicated(self, what: str) -> None:
        self.duplicated += 1
        self._show(f"duplicated: {what}")

    def is_wrong(self, what: str) -> None:
        self.wrong += 1
        self._show(f"wrong: {what}")

    def _show(self, what: str) -> None:
        if len(self.examples) < SHOWN:
            self.examples.append(what)
