"""Progress on standard error: a live list on a terminal, otherwise one line per change."""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from streaming.contract.visible import visible, visible_lines


class Progress:
    """Shows steps and their states. `tell` may be called from several threads."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self._began = time.monotonic()
        self._steps: dict[str, tuple[float, str]] = {}
        self._live = Live(
            console=self.console, get_renderable=self._table, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> "Progress":
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, where: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self._live.stop()
            self.console.print(self._table())

    def tell(self, step: str, state: str) -> None:
        """Shows that `step` is now in `state`."""
        if self._steps.get(step, (0, ""))[1] == state:
            return
        self._steps[step] = (time.monotonic(), state)
        if not self.console.is_terminal:
            told = visible(f"{step}: {state}")
            print(f"[{time.monotonic() - self._began:5.0f} s] {told}", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """Prints a line that stays."""
        self.console.print(Text(visible_lines(text)), soft_wrap=True)

    def _table(self) -> Table:
        table = Table(box=None, show_header=False, pad_edge=False)
        for step, (since, state) in list(self._steps.items()):
            under_way = state.endswith("…") or state == "starting"
            spent = f"{time.monotonic() - since:.0f} s" if under_way else ""
            table.add_row("·" if under_way else "✓", Text(visible(step)), Text(visible(state)), spent)
        return table
