"""Compares the window aggregates of the sessions with those of an index. Pure.

Memory grows with products and hours, not with sessions.
"""

from streaming.contract.erased_session import ErasedSession
from streaming.contract.valid_session import ValidSession
from streaming.reconcile.store_contents import StoreContents
from streaming.summaries.key_limit import KeyLimit
from streaming.summaries.product import Windows, window


class Figures:
    """Add each session once. With `only_touched`, only windows that contain a session of the period are
    compared; their figures still need all other sessions."""

    def __init__(self, only_touched: bool, limit: KeyLimit) -> None:
        self._limit = limit
        self._windows = Windows(limit)
        self._touched: set[str] | None = set() if only_touched else None
        self._left_out: set[str] = set()

    def add(self, session: ValidSession | ErasedSession, settled: bool, in_period: bool = True) -> None:
        self._windows.add(session)
        if not settled:
            self.leave_out(session)
        elif in_period and self._touched is not None:
            self._touched.update(window([session], self._limit))

    def leave_out(self, session: ValidSession | ErasedSession) -> None:
        """Leaves the windows of `session` out, because they may or may not contain it yet."""
        self._left_out.update(window([session], self._limit))

    def compare(self, held: StoreContents) -> dict[str, str]:
        """Returns, by document id, what is wrong in `held`. Leaves out windows that still get sessions."""
        wrong = {}
        for id_, activity in self._windows.activities().items():
            if id_ in self._left_out:
                held.exclude_if_present(id_)
            elif (what := held.match(id_, activity)) and (self._touched is None or id_ in self._touched):
                wrong[id_] = what
        return wrong
