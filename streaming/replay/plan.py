"""Which lines of a file are sent. Pure: the same lines and history give the same plan.

Each message has one correction: the first that the gate accepts. Another one after it is not sent, because
the gate could not distinguish it from a new session. Until then any number may be tried. If a file contains
two different corrections of one message, the whole file is refused, because it is unclear which one is meant.
"""

from collections.abc import Container, Iterable

from msgspec import Struct

from streaming.contract.correction import digest
from streaming.contract.log_position import LogPosition
from streaming.replay.history import ERASED, History
from streaming.replay.lines import Line


class Ambiguous(ValueError):
    """Two different corrections of one message in one file."""


class Plan(Struct):
    """`send`: the lines to send, each with its root; the counts are those of the other lines, by reason."""

    send: list[Line]
    already_sent: int = 0
    """Sent before with the same bytes."""
    already_corrected: int = 0
    """Corrected before with other bytes."""
    not_rejected: int = 0
    """No message was rejected at this position, or none of which anything is kept."""
    erased: int = 0
    """Its user was erased since, and is not to come back from a file."""


def plan(lines: Iterable[Line], rejected: Container[LogPosition], history: History) -> Plan:
    """Returns the plan. `rejected` contains the positions of all rejections. Raises Ambiguous."""
    found, chosen = Plan([]), dict[LogPosition, str]()
    for line in lines:
        root, bytes_digest = history.root(line.position), digest(line.value)
        if root in chosen and chosen[root] != bytes_digest:
            raise Ambiguous(f"there are two different corrections of {root}")
        if root in chosen:
            continue
        chosen[root] = bytes_digest
        if root not in rejected:
            found.not_rejected += 1
        elif history.state(root) == ERASED:
            found.erased += 1
        elif history.was_sent(root, bytes_digest):
            found.already_sent += 1
        elif history.state(root) == "corrected":
            found.already_corrected += 1
        else:
            found.send.append(Line(root, line.key, line.value))
    return found
