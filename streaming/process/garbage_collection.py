"""Python's search for cycles, for processes that work batch by batch. Standard library alone: Flink's Python
workers have it too."""

import gc


def tune_for_batches() -> None:
    """Once, after what a process keeps has been loaded. Batches make many short-lived objects and no cycles:
    look for cycles seldom, and not among what was loaded."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
