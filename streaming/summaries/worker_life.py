"""Ends a Python worker with its TaskManager.

Flink starts a worker through a shell. Killed by SIGKILL, a TaskManager can end neither, and the worker would
wait for it for ever, with all its memory.
"""

import os
import threading
import time
from functools import cache
from pathlib import Path

POLL_S = 1.0


def _parent(pid: int) -> int | None:
    """The parent of a process, None if that is gone. From proc(5): what follows the name in brackets."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


@cache
def end_with_task_manager() -> None:
    """Watches, once a process, that the parent of our shell stays the same, and exits when it does not."""
    shell = os.getppid()
    task_manager = _parent(shell)
    threading.Thread(target=_watch, args=(shell, task_manager), daemon=True).start()


def _watch(shell: int, task_manager: int | None) -> None:
    while task_manager is not None and _parent(shell) == task_manager:
        time.sleep(POLL_S)
    if task_manager is not None:
        os._exit(1)
