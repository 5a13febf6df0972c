"""A worker, started through a shell as Flink does it, ends when what started the shell is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

WORKER = """
import os, time, streaming.summaries.worker_life as life
life.POLL_S = 0.05
life.end_with_task_manager()
print(os.getpid(), flush=True)
time.sleep(60)
"""
TASK_MANAGER = """
import subprocess, sys
subprocess.run(["bash", "-c", '"$0" -c "$1" | cat', sys.executable, sys.argv[1]])
"""


def _runs(pid: int) -> bool:
    """Whether the process is there and is no zombie."""
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
            time.sleep(0.3)  # some polls: it must not end by itself
            assert _runs(worker)
            task_manager.send_signal(signal.SIGKILL)
            deadline = time.monotonic() + 10
            while _runs(worker):
                assert time.monotonic() < deadline, "the worker outlived its TaskManager"
                time.sleep(0.05)
        finally:
            if _runs(worker):
                os.kill(worker, signal.SIGKILL)
