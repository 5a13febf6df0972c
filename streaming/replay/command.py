"""`./vitrine replay`: sends rejected messages to the raw topic again, but for what went already."""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from streaming.command_failure import carried_out
from streaming.contract import correction
from streaming.file_import.json_lines import Outgoing
from streaming.file_import.sending import Sender
from streaming.file_import.verdicts import Verdicts
from streaming.kafka import clients
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.replay import lines, log, plan
from streaming.replay.history import History
from streaming.settings import KafkaSettings

IN_VAIN = "The gate has not judged everything"


def run(
    file: Path | None,
    reason: str | None,
    timeout_s: float,
    as_json: bool,
    sent: Callable[[int], None] = lambda count: None,
) -> int:
    """Sends the messages of `file`, or the open ones rejected for `reason`, and waits for their verdicts;
    `sent` hears how many the broker has. Gives an ExitCode: DONE if every one of them is let through by now,
    INVALID_REQUEST if the file is of no use (nothing was sent then)."""
    return carried_out(partial(_replay, file, reason, timeout_s, as_json, sent), IN_VAIN)


def from_command_line(arguments: argparse.Namespace) -> int:
    """Carries out the command as it was parsed. Returns its exit code."""
    return run(arguments.file, arguments.reason, arguments.timeout, arguments.json)


def _replay(
    file: Path | None, reason: str | None, timeout_s: float, as_json: bool, sent: Callable[[int], None]
) -> int:
    settings = KafkaSettings()
    given = None if file is None else _read(file)
    clients.require(settings)
    log.wait_until_judged(settings, time.monotonic() + timeout_s)
    history = log.history(settings)
    if given is None:
        given = _rejected_for(settings, reason, history)
    wanted = {history.root(line.position) for line in given}
    rejected = {one.place for one in log.rejections(settings) if one.place in wanted}
    try:
        found = plan.plan(given, rejected, history)
    except plan.Ambiguous as error:
        raise InvalidRequest(f"{error}: nothing was sent") from None
    if found.send:
        _send(settings, found.send, timeout_s, sent)
        log.wait_until_judged(settings, time.monotonic() + timeout_s)
        history = log.history(settings)
    corrected = sum(history.state(root) == "corrected" for root in wanted)
    told = {
        "sent": len(found.send),
        "already_sent": found.already_sent,
        "already_corrected": found.already_corrected,
        "not_rejected": found.not_rejected,
        "corrected": corrected,
        "still_rejected": len(wanted) - corrected - found.not_rejected,
    }
    if as_json:
        print(json.dumps(told))
    else:
        print("\n".join(f"{number:>9}  {name.replace('_', ' ')}" for name, number in told.items()))
    return ExitCode.DONE if corrected == len(wanted) else ExitCode.NOT_SO


def _read(file: Path) -> list[lines.Line]:
    """The lines of `file`. Raises InvalidRequest."""
    given: list[lines.Line] = []
    try:
        with file.open("rb") as opened:
            for text in opened:
                given.append(lines.read(text))
    except OSError as error:
        raise InvalidRequest(f"cannot read {file}: {error.strerror}") from None
    except lines.BadLine as error:
        raise InvalidRequest(f"line {len(given) + 1} of {file} {error}: nothing was sent") from None
    return given


def _rejected_for(settings: KafkaSettings, reason: str | None, history: History) -> list[lines.Line]:
    """The open messages rejected for `reason`, as they were."""
    return [
        lines.of(one.place, one.key, one.value)
        for one in log.rejections(settings)
        if one.reason == reason and history.state(one.place) == "open"
    ]


def _send(
    settings: KafkaSettings, what: Sequence[lines.Line], patience_s: float, sent: Callable[[int], None]
) -> None:
    """Returns when each has its verdict. Raises KafkaException or GateSilent."""
    verdicts = Verdicts(settings)
    try:
        sender = Sender(settings)
        for line in what:
            headers = correction.correction_headers(line.position, line.value)
            sender.send(Outgoing(line.key, line.value), headers)
            sent(len(sender.places))
        sender.flush()
        verdicts.wait(sender.places, patience_s, lambda judged: None)
    finally:
        verdicts.close()
