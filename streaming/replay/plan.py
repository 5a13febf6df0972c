"""What of a file is to be sent. Pure: the same lines and history give the same plan.

One message, one correction: the first that is let through stands, and another one after it is refused here,
because the gate could not tell it from a new session. Until then any number may be tried. Two different ones
in one file are refused with the whole file: which of them is meant is not ours to guess.
"""

from collections.abc import Container, Iterable

from msgspec import Struct

from streaming.contract.correction import digest
from streaming.contract.log_position import LogPosition
from streaming.replay.history import History
from streaming.replay.lines import Line


class Ambiguous(ValueError):
    """Two different corrections of one message in one file."""


class Plan(Struct):
    """`send`: what goes, by its root; the counts say why the other lines do not."""

    send: list[Line]
    already_sent: int = 0
    """With these very bytes."""
    already_corrected: int = 0
    """With other bytes."""
    not_rejected: int = 0
    """Nothing was rejected there."""


def plan(lines: Iterable[Line], rejected: Container[LogPosition], history: History) -> Plan:
    """`rejected` holds the places of all rejections. Raises Ambiguous."""
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
        elif history.was_sent(root, bytes_digest):
            found.already_sent += 1
        elif history.state(root) == "corrected":
            found.already_corrected += 1
        else:
            found.send.append(Line(root, line.key, line.value))
    return found
