"""The command line, declared once: it is read before anything is installed. Standard library only."""

import argparse
import contextlib
import importlib
import math
from pathlib import Path

EXIT_CODES = """\
exit codes:
  0    done, and what was asked is so
  1    done, and it is not so: a test failed, the stores do not agree, a service is not healthy
  2    the command line is wrong, or a setting
  3    this machine lacks something that could not be installed (the message names the command that would), or
       a component could not be asked
  4    the stack could not be started: a port in use, too little memory, a service that does not get healthy
  130  interrupted
"""

ABOUT = """\
Vitrine shows what the visitors of a shop do, and learns from it under differential privacy.

  ./vitrine demo      sets everything up, sends a simulated shop's day through it, and leaves it running
  ./vitrine status    what runs, where, and how healthy it is
  ./vitrine down      stops it; what was stored stays for the next time
  ./vitrine test      runs the tests, from unit to end-to-end

The first command installs what it needs into .vitrine/ below this folder: three Python environments, jars,
and, where they are missing, Debian packages (for these alone it needs root). Everything listens on 127.0.0.1.
Progress goes to standard error; with --json one JSON object goes to standard output.
"""

SERVICES_NOTE = """\
Each component can be one that you run elsewhere: set its address, and it is only looked at, not started:
  VITRINE_KAFKA_BOOTSTRAP_SERVERS  VITRINE_REDIS_URL  MONGO_URI  VITRINE_ELASTICSEARCH_URL  VITRINE_FLINK_URL
VITRINE_PORT_OFFSET=1000 moves every port, so that a second checkout can run beside a first.

On a running stack a setting restarts the services that it concerns, named or not, and no others; which, and
for which setting, is said. It holds until `down`; to have the default back, give that.
"""

TEST_KINDS = ("unit", "property", "contract", "integration", "e2e")
BENCHMARKS = (
    "pipeline", "gate", "flink", "indexer", "memory", "distinct", "soak", "budget", "explain", "accuracy",
    "training", "audit",
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """All commands with their arguments."""
    top = argparse.ArgumentParser(
        prog="./vitrine",
        description=ABOUT,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    _stack(commands)
    _data(commands)
    _judging(commands)
    return top


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, summary: str, more: str = ""
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.\n\n{more}".rstrip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    return command


def _stack(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    demo = _add(
        commands,
        "demo",
        "set everything up, send simulated sessions through it, and leave it running",
        "Installs what is missing, starts all services, sends the sessions, waits until every stage has\n"
        "seen them, runs the DAGs (extraction, similar users, private models, reports), reconciles the\n"
        "stores and prints addresses and login. Run again, it goes on where the simulated time stopped.\n\n"
        "Where the privacy budget of these sessions is spent, no models are trained: the demo says so,\n"
        "names the newest report there is, and exits 0 if all else holds.\n\n"
        'With --json: {"holds", "sessions", "seconds", "dags": {dag: state}, "not_trained": null or why,\n'
        '"reconcile": {…}, "addresses": {component: url}}. A state is success, failed, or, where the\n'
        "privacy budget is spent, skipped.",
    )
    demo.add_argument("--sessions", type=_count, default=20_000, help="how many sessions to simulate (20000)")
    demo.add_argument("--seed", type=int, default=1, help="the same seed gives the same bytes (1)")
    up = _add(
        commands,
        "up",
        "start the services, or those named with what they need",
        f"{SERVICES_NOTE}\nWith --json: what `status --json` prints.",
    )
    up.add_argument("services", nargs="*", metavar="SERVICE", help="see ./vitrine status for the names")
    _add(
        commands,
        "down",
        "stop what this checkout started, and nothing else",
        'With --json: {"stopped": [service, …]}.',
    )
    _add(
        commands,
        "status",
        "show each service's state, process, uptime, health, address and memory",
        "Exits 1 unless every service is healthy.\n"
        'With --json: {"healthy", "services": [{"name", "state", "pid", "uptime_s", "healthy", "reason",\n'
        '"address", "resident_bytes"}], "resident_bytes", "lag": {stage: records},\n'
        '"airflow": {"url", "user", "password"}}.',
    )
    logs = _add(commands, "logs", "show a service's log")
    logs.add_argument("service", metavar="SERVICE", help="see ./vitrine status for the names")
    logs.add_argument("--lines", "-n", type=_count, default=50, help="how many of the last lines (50)")
    logs.add_argument("--follow", "-f", action="store_true", help="go on with what is written from now on")
    _add(
        commands,
        "resummarise",
        "run the Flink job again from the beginning of its topic",
        "After its code or the sentiment model has changed: ends the job, forgets its state and starts it;\n"
        "what it writes replaces what is there. ./vitrine reconcile tells when it is needed.\n\n"
        "With --json: what `status --json` prints.",
    )
    _add(commands, "settings", "print every setting with its variable, value and meaning; secrets masked")


def _data(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    ingest = _add(
        commands,
        "ingest",
        "send a file of real sessions through the stages",
        "FILE is JSON Lines in the event contract, or the CSV of a REES46 shop export; plain or gzip. What\n"
        "the file does not know can be set (--set deviceType=desktop --set referrer=Direct); otherwise it\n"
        "is unknown, and the rules reject it visibly.\n\n"
        'With --json: {"events", "sessions", "accepted", "rejected": {reason: n}}.',
    )
    ingest.add_argument("file", type=Path, metavar="FILE")
    ingest.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", type=_assignment, dest="assigned",
        help="a field that the source does not know; may be repeated",
    )  # fmt: skip
    simulate = _add(commands, "simulate", "send simulated sessions of a furniture shop")
    simulate.add_argument("--sessions", type=_count, default=1_000, help="how many (1000)")
    simulate.add_argument("--seed", type=int, default=1, help="the same seed gives the same bytes (1)")
    simulate.add_argument(
        "--rate", type=_positive, default=None, help="sessions a second (as fast as they go)"
    )


def _judging(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    reconcile = _add(
        commands,
        "reconcile",
        "read topics and stores afresh and say whether they agree",
        "Judges all that the topics still hold, or what arrived from --from to before --to. Exits 1, naming\n"
        "the session that breaks it first in raw order, if one message or document is too many or too few,\n"
        "or another than it must be, anywhere; 3 if a stage is behind or a component away.\n\n"
        'With --json: {"holds", "sent", "valid", "duplicate", "rejected": {reason: n}, "late",\n'
        '"partitions": {raw partition: {"from", "to", "sent", "valid", "duplicate", "rejected", "late"}},\n'
        '"stages": {stage: {topic: {partition: offset read up to}}},\n'
        '"corrections": {"corrected", "rejected_again", "open": {reason: n}}, "mongodb",\n'
        '"elasticsearch": {index: n}, "digests": {store: of its ids and contents, in any order},\n'
        '"distinct_users": {"exact", "estimate"}, "older_than_log", "other_model", "left_out",\n'
        '"breaks_in_all", "breaks": [{"where", "what", "session", "document", "raw"}]}.',
    )
    _period_arguments(reconcile)
    reconcile.add_argument(
        "--timeout", type=_positive, default=120, help="seconds to wait for the stages to catch up (120)"
    )
    recompute = _add(
        commands,
        "recompute",
        "compute the windows of product_activity from MongoDB alone and compare",
        'With --json: {"holds", "sessions", "windows", "left_out", "breaks_in_all",\n'
        '"breaks": [{"where", "what", "document"}]}. Exits 1 if a window differs.',
    )
    recompute.add_argument(
        "--timeout", type=_positive, default=120, help="seconds to wait for the stages to catch up (120)"
    )
    _looking_back(commands)
    _distinct(commands)
    evaluate = _add(
        commands, "evaluate", "train private and other models on one CSV and test them on another"
    )
    _evaluate_arguments(evaluate)
    score = _add(
        commands, "score", "what a private model thinks of a session and why: for the trusted machine alone"
    )
    _score_arguments(score)
    budget = _add(
        commands, "budget", "show the privacy budget, what is spent of it and by which runs; or set it"
    )
    _budget_arguments(budget)
    audit = _add(
        commands, "audit", "attack the private models and say whether what they claim can be refuted"
    )
    _audit_arguments(audit)
    sentiment = _add(
        commands,
        "sentiment",
        "the sentiment of texts, one a line",
        'With --json: [{"sentiment", "score"}], one for each line, the score from -1 to 1.',
    )
    sentiment.add_argument("file", type=Path, metavar="FILE")
    _torture_arguments(
        _add(commands, "torture", "kill stages and services under load, and ask an oracle what came out")
    )
    bench = _add(
        commands,
        "bench",
        "measure a stage against the bare client, or a model's explanation against shap",
        "pipeline runs gate, flink and indexer and adds the stack's resident memory; explain needs\n"
        "no service. Prints one JSON object.",
    )
    bench.add_argument("name", choices=BENCHMARKS, metavar="NAME", help=" | ".join(BENCHMARKS))
    bench.add_argument("file", type=Path, nargs="?", metavar="FILE", help="the CSV, for accuracy")
    bench.add_argument("--minutes", type=_positive, default=20, help="how long soak goes on (20)")
    test = _add(
        commands,
        "test",
        "run the tests: all, or the kinds named",
        "All: linters, unit and property tests first, then those that need the running stack, which is\n"
        "started if it is not up (and then stopped again). A test that cannot run fails; none is skipped.\n\n"
        'With --json: {"passed", "groups": [{"name", "passed", "seconds", "closing"}]}.',
    )
    test.add_argument("kinds", nargs="*", metavar="KIND", help=" | ".join(TEST_KINDS), type=_test_kind)


def _period_arguments(command: argparse.ArgumentParser) -> None:
    from streaming.replay.arguments import add_period

    add_period(command)


def _looking_back(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from streaming.replay import arguments

    rejected = _add(commands, "rejected", "list or count rejected messages", arguments.REJECTED)
    arguments.add_rejected(rejected)
    replay = _add(commands, "replay", "send rejected messages again", arguments.REPLAY)
    arguments.add_replay(replay)
    replay.add_argument(
        "--timeout", type=_positive, default=120, help="seconds to wait for the gate's verdicts (120)"
    )


def _distinct(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from streaming.distinct.arguments import WHAT_IT_DOES, add_arguments

    add_arguments(_add(commands, "distinct", "estimate the distinct users of a period", WHAT_IT_DOES))


def _evaluate_arguments(command: argparse.ArgumentParser) -> None:
    from ml.evaluate.arguments import add_arguments

    add_arguments(command)


def _budget_arguments(command: argparse.ArgumentParser) -> None:
    from ml.budget.arguments import add_arguments

    add_arguments(command)


def _audit_arguments(command: argparse.ArgumentParser) -> None:
    from ml.audit.arguments import add_arguments

    add_arguments(command)


def _score_arguments(command: argparse.ArgumentParser) -> None:
    from ml.score.arguments import add_arguments

    add_arguments(command)


def _torture_arguments(command: argparse.ArgumentParser) -> None:
    # By name: the instruments stand above the stack, which must not import them.
    importlib.import_module("lab.chaos.arguments").add_arguments(command)


def _assignment(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return name, value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no count")
    return int(text)


def _positive(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")


def _test_kind(text: str) -> str:
    if text not in TEST_KINDS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(TEST_KINDS)}")
    return text
