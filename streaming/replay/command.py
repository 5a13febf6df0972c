"""`./vitrine replay`: sends rejected messages to the raw topic again, unless they were already sent."""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from streaming.command_failure import carried_out
from streaming.contract import correction
from streaming.contract.rejection import Reason
from streaming.file_import.json_lines import Outgoing
from streaming.file_import.outcomes import GateOutcomes
from streaming.file_import.sending import Sender
from streaming.kafka import clients
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.replay import lines, log, plan
from streaming.replay.history import History
from streaming.settings import KafkaSettings

NOT_DECIDED = "The gate has not processed everything"


def run(
    file: Path | None,
    reason: str | None,
    timeout_s: float,
    as_json: bool,
    sent: Callable[[int], None] = lambda count: None,
) -> int:
    """Sends the messages of `file`, or the open ones rejected for `reason`, and waits for their outcomes.
    Calls `sent` with the number of messages that the broker has. Returns an ExitCode: DONE if the gate has
    accepted all of them, NOT_SO if not, INVALID_REQUEST if the file cannot be used (then nothing was
    sent)."""
    return carried_out(partial(_replay, file, reason, timeout_s, as_json, sent), NOT_DECIDED)


def from_command_line(arguments: argparse.Namespace) -> int:
    """Runs the command with parsed arguments. Returns its exit code."""
    return run(arguments.file, arguments.reason, arguments.timeout, arguments.json)


def _replay(
    file: Path | None, reason: str | None, timeout_s: float, as_json: bool, sent: Callable[[int], None]
) -> int:
    settings = KafkaSettings()
    if reason == Reason.NO_CONSENT:
        raise InvalidRequest(f"{log.NOTHING_KEPT}: there is nothing to send")
    requested = None if file is None else _read(file)
    clients.require(settings)
    log.wait_until_decided(settings, time.monotonic() + timeout_s)
    history = log.history(settings)
    if requested is None:
        requested = _rejected_for(settings, reason, history)
    wanted = {history.root(line.position) for line in requested}
    rejected = {
        one.position
        for one in log.rejections(settings)
        if one.position in wanted and one.reason != Reason.NO_CONSENT
    }
    try:
        found = plan.plan(requested, rejected, history)
    except plan.Ambiguous as error:
        raise InvalidRequest(f"{error}: nothing was sent") from None
    if found.send:
        _send(settings, found.send, timeout_s, sent)
        log.wait_until_decided(settings, time.monotonic() + timeout_s)
        history = log.history(settings)
    corrected = sum(history.state(root) == "corrected" for root in wanted)
    counts = {
        "sent": len(found.send),
        "already_sent": found.already_sent,
        "already_corrected": found.already_corrected,
        "not_rejected": found.not_rejected,
        "erased": found.erased,
        "corrected": corrected,
        "still_rejected": len(wanted) - corrected - found.not_rejected - found.erased,
    }
    if as_json:
        print(json.dumps(counts))
    else:
        print("\n".join(f"{number:>9}  {name.replace('_', ' ')}" for name, number in counts.items()))
    return ExitCode.DONE if corrected == len(wanted) else ExitCode.NOT_SO


def _read(file: Path) -> list[lines.Line]:
    """Returns the lines of `file`. Raises InvalidRequest."""
    found: list[lines.Line] = []
    try:
        with file.open("rb") as opened:
            for text in opened:
                found.append(lines.read(text))
    except OSError as error:
        raise InvalidRequest(f"cannot read {file}: {error.strerror}") from None
    except lines.BadLine as error:
        raise InvalidRequest(f"line {len(found) + 1} of {file} {error}: nothing was sent") from None
    return found


def _rejected_for(settings: KafkaSettings, reason: str | None, history: History) -> list[lines.Line]:
    """Returns the open messages rejected for `reason`, unchanged."""
    return [
        lines.of(one.position, one.key, one.value)
        for one in log.rejections(settings)
        if one.reason == reason and history.state(one.position) == "open"
    ]


def _send(
    settings: KafkaSettings, what: Sequence[lines.Line], patience_s: float, sent: Callable[[int], None]
) -> None:
    """Sends the lines and waits until each has an outcome. Raises KafkaException or GateSilent."""
    outcomes = GateOutcomes(settings)
    try:
        sender = Sender(settings)
        for line in what:
            headers = correction.correction_headers(line.position, line.value)
            sender.send(Outgoing(line.key, line.value), headers)
            sent(len(sender.positions))
        sender.flush()
        outcomes.wait(sender.positions, patience_s, lambda seen: None)
    finally:
        outcomes.close()
