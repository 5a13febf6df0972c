"""A worker, started through a shell as by Flink, ends when the process that started the shell is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from waiting import until

WORKER = """
import os, threading, streaming.summaries.worker_life as life
life.POLL_S = 0.05
parent = life._parent
def looked(pid):
    print(os.getpid(), flush=True)
    return parent(pid)
life._parent = looked
life.end_with_task_manager()
threading.Event().wait()
"""
TASK_MANAGER = """
import subprocess, sys
subprocess.run(["bash", "-c", '"$0" -c "$1" | cat', sys.executable, sys.argv[1]])
"""


def _runs(pid: int) -> bool:
    """True if the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_ends_with_its_task_manager() -> None:
    command = [sys.executable, "-c", TASK_MANAGER, WORKER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as task_manager:
        assert task_manager.stdout is not None
        worker = int(task_manager.stdout.readline())
        try:
            for _ in range(6):  # it has looked, and must not end by itself
                assert int(task_manager.stdout.readline()) == worker
            assert _runs(worker)
            task_manager.send_signal(signal.SIGKILL)
            until(lambda: not _runs(worker), "the end of a worker whose TaskManager was killed")
        finally:
            if _runs(worker):
                os.kill(worker, signal.SIGKILL)
