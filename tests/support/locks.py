"""Whether another process would have to wait."""

import fcntl
import os
from pathlib import Path


def is_locked(folder: Path) -> bool:
    """True while somebody is in a block `alone(folder)`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
