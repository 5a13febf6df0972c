"""Which rejected messages were sent again, and which of them were then accepted. Pure.

Uses some bytes per message sent again.
"""

from collections import Counter
from collections.abc import Callable, Iterable

from streaming.contract.consent import analytics_answer
from streaming.contract.log_position import LogPosition
from streaming.contract.parsing import parse
from streaming.contract.session import Session
from streaming.reconcile.evidence import RawRecord
from streaming.reconcile.report import Corrections


class Attempts:
    """Add every raw message, also those after the period: a correction comes after the message it
    corrects."""

    def __init__(self, is_valid: Callable[[Session], bool]) -> None:
        self._is_valid = is_valid
        self._roots: dict[LogPosition, LogPosition] = {}
        """The message that a message sent again corrects, by the latter's position."""
        self._accepted: set[LogPosition] = set()

    def add(self, record: RawRecord) -> None:
        if record.corrects is None:
            return
        self._roots[LogPosition(record.partition, record.offset)] = record.corrects
        parsed = parse(record.value, record.arrived_at_ms)
        if analytics_answer(parsed, record.value) is False:
            return  # the session may be valid, but by another message
        if isinstance(parsed, Session) and self._is_valid(parsed):
            self._accepted.add(record.corrects)

    def count(self, rejected: Iterable[tuple[LogPosition, str]]) -> Corrections:
        """Counts what became of the `rejected` messages (position and reason). A correction that was rejected
        itself does not count as another open message: the message that it should correct stays open."""
        corrected, attempts, open_ = 0, 0, Counter[str]()
        for position, reason in rejected:
            if position in self._roots:
                attempts += 1
            elif position in self._accepted:
                corrected += 1
            else:
                open_[reason] += 1
        return Corrections(corrected=corrected, rejected_again=attempts, open=dict(sorted(open_.items())))
