"""Ends a Python worker when its TaskManager has ended.

Flink starts a worker through a shell. A TaskManager killed by SIGKILL ends neither of them, and the worker
would wait for it for ever and keep its memory.
"""

import os
import threading
import time
from functools import cache
from pathlib import Path

POLL_S = 1.0


def _parent(pid: int) -> int | None:
    """Returns the parent of a process; None if the process has ended. Reads proc(5): the fields after the
    name, which is in brackets."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


@cache
def end_with_task_manager() -> None:
    """Starts a thread that exits the process when its shell's parent changes; only once per process."""
    shell = os.getppid()
    task_manager = _parent(shell)
    threading.Thread(target=_watch, args=(shell, task_manager), daemon=True).start()


def _watch(shell: int, task_manager: int | None) -> None:
    while task_manager is not None and _parent(shell) == task_manager:
        time.sleep(POLL_S)
    if task_manager is not None:
        os._exit(1)
