"""Tunes Python's garbage collector for processes that work in batches. Standard library only, because Flink's
Python workers use it too."""

import gc


def tune_for_batches() -> None:
    """Call it once, after everything that stays in memory has been loaded. Batches make many short-lived
    objects and no cycles: so it searches for cycles rarely, and never in objects loaded before."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
