"""`./vitrine backup` and `./vitrine restore`: run one, and print what it has done."""

import sys
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec

from stack.backup import restore, save
from stack.backup.manifest import Refused
from stack.backup.restore import Restored
from stack.backup.save import Made
from stack.backup.settings import BackupSettings
from stack.context import this_checkout
from stack.progress import Progress
from streaming.command_failure import carried_out
from streaming.contract.visible import visible, visible_lines
from streaming.process.exit_code import ExitCode

T = TypeVar("T")


def run_backup(arguments: Namespace) -> int:
    """Carries out `./vitrine backup`. Returns its exit code."""
    return carried_out(partial(_or_refused, _backup, arguments), "Nothing was backed up")


def run_restore(arguments: Namespace) -> int:
    """Carries out `./vitrine restore`. Returns its exit code."""
    return carried_out(partial(_or_refused, _restore, arguments), "The restore is not complete")


def _or_refused(command: Callable[[Namespace], int], arguments: Namespace) -> int:
    try:
        return command(arguments)
    except Refused as refused:
        print(f"vitrine: The backup is refused: {visible(str(refused))}", file=sys.stderr)
        return ExitCode.NOT_SO
    except TimeoutError:
        print("vitrine: Kafka did not answer in time. Is it up? ./vitrine status", file=sys.stderr)
        return ExitCode.UNAVAILABLE
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        told = f"{error.strerror}: {error.filename or 'a file of the backup'}"
        print(f"vitrine: A file cannot be read or written ({visible(told)})", file=sys.stderr)
        return ExitCode.UNAVAILABLE


def _backup(arguments: Namespace) -> int:
    with Progress() as progress:
        made = save.save(this_checkout(), BackupSettings(), progress.tell)
    _print(made, arguments.json, _made)
    return ExitCode.DONE


def _restore(arguments: Namespace) -> int:
    if arguments.check:
        found = restore.check(this_checkout(), BackupSettings(), arguments.name)
        told = {"name": found.name, "made_at": found.made_at, "parts": found.parts}
        _print(told, arguments.json, lambda _: f"{found.name} is whole")
        return ExitCode.DONE
    with Progress() as progress:
        done = restore.restore(
            this_checkout(),
            BackupSettings(),
            arguments.name,
            arguments.replace,
            progress.tell,
            arguments.erasures_unknown,
        )
    _print(done, arguments.json, _restored)
    return ExitCode.DONE


def _print(found: T, as_json: bool, text: Callable[[T], str]) -> None:
    print(visible(msgspec.json.encode(found).decode()) if as_json else visible_lines(text(found)))


def _made(made: Made) -> str:
    lines = [f"{made.name}: {made.bytes:,} bytes in {made.seconds:.0f} s, in {made.folder}"]
    if not made.encrypted:
        lines.append("not encrypted: see VITRINE_BACKUP_PASSPHRASE_FILE")
    lines += [f"left out of {part.name}: {what}" for part in made.parts for what in part.left_out]
    if made.largest:
        lines.append(
            f"kept however old it gets: {made.largest}, because this one has less than half its size. Was "
            "something lost? If not, you may remove it"
        )
    lines += [f"removed: {name}" for name in made.removed]
    return "\n".join([*lines, *(f"not in it: {what}" for what in made.not_held)])


def _restored(done: Restored) -> str:
    lines = [f"{done.name} is restored, in {done.seconds:.0f} s"]
    lines += [f"{name}: {what}" for name, what in done.parts.items()]
    lines += [
        f"{count:,} records of {topic} came after the backup and are deleted already: what followed from "
        "them is missing"
        for topic, count in done.expired.items()
    ]
    if not done.same_log:
        lines.append(
            "Kafka's log is not the one of the backup: what the shop sent since the backup is lost unless it "
            "sends it again. What the old log had is only in the backup's stores"
        )
    return "\n".join([*lines, "now: ./vitrine up, and then ./vitrine reconcile"])
