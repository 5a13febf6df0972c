"""Which rejected messages were sent again, and to what end. Pure. Some bytes a message sent again."""

from collections import Counter
from collections.abc import Callable, Iterable

from streaming.contract.log_position import LogPosition
from streaming.contract.parsing import parse
from streaming.contract.session import Session
from streaming.reconcile.evidence import RawRecord
from streaming.reconcile.report import Corrections


class Attempts:
    """Hears of every raw message, those behind the period too: a correction comes after what it corrects."""

    def __init__(self, is_valid: Callable[[str], bool]) -> None:
        self._is_valid = is_valid
        self._roots: dict[LogPosition, LogPosition] = {}
        """By the place of a message sent again, the one it corrects."""
        self._accepted: set[LogPosition] = set()

    def hear(self, record: RawRecord) -> None:
        if record.corrects is None:
            return
        self._roots[LogPosition(record.partition, record.offset)] = record.corrects
        judged = parse(record.value, record.arrived_at_ms)
        if isinstance(judged, Session) and self._is_valid(judged.session_id):
            self._accepted.add(record.corrects)

    def settle(self, rejected: Iterable[tuple[LogPosition, str]]) -> Corrections:
        """What became of the `rejected` messages (place and reason). An attempt that was rejected in its turn
        is no further rejection: the message it was to correct stays open."""
        corrected, attempts, open_ = 0, 0, Counter[str]()
        for place, reason in rejected:
            if place in self._roots:
                attempts += 1
            elif place in self._accepted:
                corrected += 1
            else:
                open_[reason] += 1
        return Corrections(corrected=corrected, rejected_again=attempts, open=dict(sorted(open_.items())))
