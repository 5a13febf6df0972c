"""The table of commands. It is imported before anything is installed: standard library only; a command's code
is named by its path and imported when it runs."""

import argparse
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streaming.process import exit_code

ABOUT = """\
Vitrine shows what the visitors of a shop do, and learns from it under differential privacy.

  ./vitrine demo      sets everything up, sends a simulated shop's day through it, and leaves it running
  ./vitrine status    what runs, where, and how healthy it is
  ./vitrine down      stops it; what was stored stays for the next time
  ./vitrine test      runs the tests, from unit to end-to-end

The first command installs what it needs into .vitrine/ below this folder: three Python environments, jars,
and, where they are missing, Debian packages (these need root). Everything listens on 127.0.0.1.
Progress goes to standard error; with --json one JSON object goes to standard output.
"""


@dataclass(frozen=True)
class Command:
    """One command. Code in other modules is named by its dotted path: `run` takes the parsed arguments and
    returns the exit code, `arguments` adds arguments to a parser (none if empty), `details` is the help
    text."""

    name: str
    summary: str
    run: str
    arguments: str = ""
    details: str = ""

    def __call__(self, arguments: argparse.Namespace) -> int:
        return int(named(self.run)(arguments))


def named(path: str) -> Any:
    """Imports and returns the object that the dotted path names."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


COMMANDS = (
    Command(
        "demo", "set everything up, send simulated sessions through it, and leave it running",
        "stack.handlers.demo", "stack.arguments.add_demo", "stack.arguments.DEMO_DETAILS",
    ),
    Command(
        "up", "start the services, or those named with what they need",
        "stack.handlers.up", "stack.arguments.add_up", "stack.arguments.UP_DETAILS",
    ),
    Command(
        "down", "stop what this checkout started, or the services named, and nothing else",
        "stack.handlers.down", "stack.arguments.add_down", "stack.arguments.DOWN_DETAILS",
    ),
    Command(
        "status", "show each service's state, process, uptime, health, address and memory",
        "stack.handlers.status", details="stack.arguments.STATUS_DETAILS",
    ),
    Command(
        "ports", "try every listening port as somebody who does not belong there; exit code 1 if one answers",
        "stack.ports.command.run", details="stack.arguments.PORTS_DETAILS",
    ),
    Command(
        "password", "print the password of one of Airflow's users",
        "stack.handlers.password", "stack.arguments.add_password", "stack.arguments.PASSWORD_DETAILS",
    ),
    Command(
        "logs", "show a service's log",
        "stack.handlers.logs", "stack.arguments.add_logs", "stack.arguments.LOGS_DETAILS",
    ),
    Command(
        "resummarise", "run the Flink job again from the beginning of its topic",
        "stack.handlers.resummarise", details="stack.arguments.RESUMMARISE_DETAILS",
    ),
    Command(
        "backup", "save all that cannot be made again from the log, while the stack runs",
        "stack.backup.command.run_backup", details="stack.backup.arguments.BACKUP_DETAILS",
    ),
    Command(
        "restore", "restore a backup; the stores then continue where it was in the log",
        "stack.backup.command.run_restore",
        "stack.backup.arguments.add_restore", "stack.backup.arguments.RESTORE_DETAILS",
    ),
    Command(
        "migrate", "bring what an earlier release stored into the form of this one",
        "streaming.migrate.command.run", details="streaming.migrate.arguments.DETAILS",
    ),
    Command(
        "settings", "print every setting with its variable, value and meaning; secrets masked",
        "stack.handlers.settings", details="stack.arguments.SETTINGS_DETAILS",
    ),
    Command(
        "environment", "print addresses and settings as `export NAME=value`; passwords too, if there are any",
        "stack.handlers.environment",
        "stack.arguments.add_environment", "stack.arguments.ENVIRONMENT_DETAILS",
    ),
    Command(
        "ingest", "send a file of real sessions through the stages",
        "streaming.file_import.command.from_command_line",
        "streaming.file_import.arguments.add_arguments", "streaming.file_import.arguments.DETAILS",
    ),
    Command(
        "simulate", "send simulated sessions of a furniture shop",
        "streaming.simulate.command.from_command_line",
        "streaming.simulate.arguments.add_arguments", "streaming.simulate.arguments.DETAILS",
    ),
    Command(
        "reconcile", "read all topics and stores and check whether they agree",
        "streaming.reconcile.command.from_command_line",
        "streaming.reconcile.arguments.add_reconcile", "streaming.reconcile.arguments.RECONCILE_DETAILS",
    ),
    Command(
        "recompute", "compute the windows of product_activity from MongoDB alone and compare",
        "streaming.reconcile.recompute.from_command_line",
        "streaming.reconcile.arguments.add_recompute", "streaming.reconcile.arguments.RECOMPUTE_DETAILS",
    ),
    Command(
        "retention", "delete what is older than its store keeps, or say what is due",
        "streaming.retention.command.from_command_line",
        "streaming.retention.arguments.add_arguments", "streaming.retention.arguments.DETAILS",
    ),
    Command(
        "purge", "remove all sessions of a feed, as if it had never come",
        "stack.handlers.purge",
        "streaming.purge.arguments.add_arguments", "streaming.purge.arguments.DETAILS",
    ),
    Command(
        "person", "show, export or erase everything that is kept of one person",
        "stack.person_command.run",
        "streaming.person.arguments.add_arguments", "streaming.person.arguments.DETAILS",
    ),
    Command(
        "rejected", "list or count rejected messages",
        "streaming.replay.rejected_command.from_command_line",
        "streaming.replay.arguments.add_rejected", "streaming.replay.arguments.REJECTED_DETAILS",
    ),
    Command(
        "replay", "send rejected messages again",
        "streaming.replay.command.from_command_line",
        "streaming.replay.arguments.add_replay", "streaming.replay.arguments.REPLAY_DETAILS",
    ),
    Command(
        "distinct", "estimate the distinct users of a period",
        "streaming.distinct.command.run",
        "streaming.distinct.arguments.add_arguments", "streaming.distinct.arguments.DETAILS",
    ),
    Command(
        "words", "list the words of sessions that are on no list and count as `other`",
        "streaming.unlisted_words.command.run",
        "streaming.unlisted_words.arguments.add_arguments", "streaming.unlisted_words.arguments.DETAILS",
    ),
    Command(
        "evaluate", "train private and other models on one CSV and test them on another",
        "ml.evaluate.command.run", "ml.evaluate.arguments.add_arguments", "ml.evaluate.arguments.DETAILS",
    ),
    Command(
        "score", "predict whether a session ends in a purchase, and explain why: on the trusted machine only",
        "ml.score.command.run", "ml.score.arguments.add_arguments", "ml.score.arguments.DETAILS",
    ),
    Command(
        "budget", "show the privacy budget, how much of it which runs have spent; or set it",
        "ml.budget.command.run", "ml.budget.arguments.add_arguments", "ml.budget.arguments.DETAILS",
    ),
    Command(
        "audit", "attack the private models and check whether their privacy claims can be refuted",
        "ml.audit.command.run", "ml.audit.arguments.add_arguments", "ml.audit.arguments.DETAILS",
    ),
    Command(
        "sentiment", "the sentiment of texts, one a line",
        "streaming.summaries.command.from_command_line",
        "streaming.summaries.arguments.add_arguments", "streaming.summaries.arguments.DETAILS",
    ),
    Command(
        "torture", "kill stages and services under load, and check the results against an oracle",
        "lab.chaos.command.run", "lab.chaos.arguments.add_arguments", "lab.chaos.arguments.DETAILS",
    ),
    Command(
        "bench", "measure a stage against the bare client, or a model's explanation against shap",
        "stack.handlers.bench", "stack.arguments.add_bench", "stack.arguments.BENCH_DETAILS",
    ),
    Command(
        "test", "run the tests: all, the kinds named, or those that the pytest arguments select",
        "stack.handlers.test", "stack.arguments.add_test", "stack.arguments.TEST_DETAILS",
    ),
    Command(
        "generate", "regenerate all generated files",
        "lab.generated_files.from_command_line",
        "stack.arguments.add_generate", "stack.arguments.GENERATE_DETAILS",
    ),
)  # fmt: skip


def parse(line: Sequence[str]) -> argparse.Namespace:
    """Returns the parsed command line. `command` is the Command; `pytest` is what follows -- (of `test`
    only). Ends the process with exit code 2 and the usage if the line is wrong."""
    own, pytest = list(line), list[str]()
    if own[:1] == ["test"] and "--" in own:
        at = own.index("--")
        own, pytest = own[:at], own[at + 1 :]
    return parser().parse_args(own, argparse.Namespace(pytest=pytest))


def parser() -> argparse.ArgumentParser:
    """Returns the parser of all commands with their arguments."""
    top = argparse.ArgumentParser(
        prog="./vitrine",
        description=ABOUT,
        epilog=exit_code.PUBLISHED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for command in COMMANDS:
        details = named(command.details) if command.details else ""
        added = commands.add_parser(
            command.name,
            help=command.summary,
            description=f"{command.summary[0].upper()}{command.summary[1:]}.\n\n{details}".rstrip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(command=command)
        added.add_argument("--json", action="store_true", help="print one JSON object on standard output")
        if command.arguments:
            named(command.arguments)(added)
    return top
