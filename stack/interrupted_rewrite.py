"""The mark of a rewrite of the log that has begun and not ended: until it has, no stage is started on what it
left, which a stage would count twice."""

import json
from collections.abc import Sequence
from pathlib import Path

from stack.layout import Layout
from stack.service import StackError
from streaming.contract.topology import STAGES
from streaming.data_folder import atomic_file

SCHEDULER = "airflow-scheduler"
STOPPED = frozenset({SCHEDULER, *(stage.name for stage in STAGES)})
"""What is not started until then: the stages, and the scheduler, whose tasks read the stores."""


def _mark(layout: Layout) -> Path:
    return layout.state / "rewriting"


def begin(layout: Layout, command: str, services: Sequence[str]) -> None:
    """Marks that the log is being written anew: `command` goes on with it, and starts `services` again."""
    content = {"command": command, "services": list(services)}
    atomic_file.write(_mark(layout), json.dumps(content).encode(), mode=0o600)


def end(layout: Layout) -> None:
    """Marks that the log is whole."""
    _mark(layout).unlink(missing_ok=True)


def services(layout: Layout) -> list[str]:
    """Returns what an interrupted rewrite has stopped; nothing if none was interrupted."""
    found = _read(layout).get("services")
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def require_none(layout: Layout, but: str = "") -> None:
    """Raises StackError if a rewrite was interrupted that another command than `but` goes on with."""
    if (command := _read(layout).get("command", but)) != but:
        raise StackError(
            "Writing the log anew was interrupted, and a stage would count what is in it twice. To complete "
            f"it: {command}"
        )


def _read(layout: Layout) -> dict[str, object]:
    try:
        found = json.loads(_mark(layout).read_text())
    except FileNotFoundError:
        return {}
    return dict(found)
