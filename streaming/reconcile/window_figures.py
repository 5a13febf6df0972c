"""The windows that follow from the sessions, held against those an index holds. Pure.

State grows with products and hours, not with sessions.
"""

from streaming.contract.valid_session import ValidSession
from streaming.reconcile.store_contents import StoreContents
from streaming.summaries.product import Windows, window


class Figures:
    """Takes each session once. With `only_touched`, only windows are judged that a session of the period is
    in; they need the other sessions all the same."""

    def __init__(self, only_touched: bool) -> None:
        self._windows = Windows()
        self._touched: set[str] | None = set() if only_touched else None
        self._moving: set[str] = set()

    def add(self, session: ValidSession, settled: bool, in_period: bool = True) -> None:
        self._windows.add(session)
        if not settled:
            self.move(session)
        elif in_period and self._touched is not None:
            self._touched.update(window([session]))

    def move(self, session: ValidSession) -> None:
        """Leaves the windows of `session` out: whether it is counted in them by now, nobody can say."""
        self._moving.update(window([session]))

    def compare(self, held: StoreContents) -> dict[str, str]:
        """By document id what is wrong in `held`. Windows into which sessions go on coming are set aside."""
        wrong = {}
        for id_, activity in self._windows.activities().items():
            if id_ in self._moving:
                held.set_aside_if_held(id_)
            elif (what := held.claim(id_, activity)) and (self._touched is None or id_ in self._touched):
                wrong[id_] = what
        return wrong
