"""`./vitrine rejected`: lists rejected messages and their states, without contents."""

import argparse
import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from streaming.access_record.file import os_user, stored_record
from streaming.command_failure import carried_out
from streaming.contract.period import period
from streaming.contract.rejection import Reason
from streaming.contract.visible import visible
from streaming.kafka import clients
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.replay import lines, log
from streaming.replay.history import ERASED, History, Rejected, counts
from streaming.settings import KafkaSettings

CORRECTABLE = frozenset(str(reason) for reason in Reason) - {Reason.DUPLICATE, Reason.NO_CONSENT}
"""Duplicates repeat what was accepted; of messages without consent nothing is kept."""


def run(
    reason: str | None,
    start: str | None,
    end: str | None,
    *,
    count: bool = False,
    everything: bool = False,
    out: Path | None = None,
    as_json: bool = False,
    why: str | None = None,
) -> int:
    """Lists rejected messages, or counts them by state; without `everything` lists only open ones. Returns an
    ExitCode."""
    return carried_out(partial(_list, reason, start, end, count, everything, out, as_json, why))


def from_command_line(arguments: argparse.Namespace) -> int:
    """Runs the command with parsed arguments. Returns its exit code."""
    return run(
        arguments.reason,
        arguments.start,
        arguments.end,
        count=arguments.count,
        everything=arguments.all,
        out=arguments.out,
        as_json=arguments.json,
        why=arguments.why,
    )


def _list(
    reason: str | None,
    start: str | None,
    end: str | None,
    count: bool,
    everything: bool,
    out: Path | None,
    as_json: bool,
    why: str | None,
) -> int:
    settings = KafkaSettings()
    try:
        window = period(start, end)
    except ValueError as error:
        raise InvalidRequest(str(error)) from None
    if out is not None and reason == Reason.NO_CONSENT:
        raise InvalidRequest(log.NOTHING_KEPT)
    clients.require(settings)
    history = log.history(settings)
    reasons = frozenset({reason}) if reason else CORRECTABLE

    def chosen() -> Iterator[Rejected]:
        for one in log.rejections(settings, window):
            if one.reason in reasons and (everything or history.state(one.position) == "open"):
                yield one

    if out is not None:
        period_asked = f"{start or 'the beginning'} to {end or 'now'}"
        what = f"rejected messages ({reason or 'all reasons'}, {period_asked}) to {out.name}"
        stored_record().add(os_user(), "export", what, why=why)
        _write(out, (one for one in chosen() if one.kept != ERASED))  # nothing is left of those to send
    found = counts(log.rejections(settings, window), history, reasons)
    if as_json:
        listed: dict[str, object] = {"counts": found}
        if not count:
            listed["messages"] = [_listed(one, history) for one in chosen()]
        print(json.dumps(listed))
    elif count:
        for state, of in found.items():
            for name, number in of.items():
                print(f"{number:>9}  {state:<10}  {visible(name)}")
    elif out is None:
        for one in chosen():
            print("  ".join(map(visible, _listed(one, history).values())))
    return ExitCode.DONE


def _write(out: Path, found: Iterable[Rejected]) -> None:
    """Writes the original bytes to a new file that only its owner can read. Raises InvalidRequest if `out`
    exists."""
    try:
        opened = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidRequest(f"cannot create {out}: {error.strerror}") from None
    with os.fdopen(opened, "wb") as file:
        file.writelines(map(lines.write, found))


def _listed(one: Rejected, history: History) -> dict[str, str]:
    """Returns what is printed about a message."""
    return {
        "position": str(one.position),
        "state": history.state(one.position),
        "reason": one.reason,
        "arrived": datetime.fromtimestamp(one.arrived_at_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        "detail": one.detail,
    }
