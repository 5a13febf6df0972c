"""The command line of `./vitrine torture`. Standard library only: imported before any environment exists."""

import argparse

from streaming.process.arguments import count

THROUGH = ("gate", "all")
HOW = ("gone", "frozen", "full-disk")
OUTAGES = ("redis", "kafka", "mongodb", "elasticsearch", "flink-jobmanager", "flink-taskmanager")

DETAILS = """\
Starts its own stages, on its own topics, Redis, database and indices, and sends simulated messages (5 %
repeated, 2 % broken) through them. It kills stages, Redis, the broker and, with --through all, Flink's
TaskManager with SIGKILL: at random moments and at every named point between two steps of a stage. At each
kill, at least 1,000 messages must be unacknowledged, otherwise the run is void. Then an oracle that shares no
code with the stages computes the correct results from the raw topic, and everything is compared: topics,
distinct users and, with --through all, MongoDB and every index. The broker and the TaskManager are those of
the running stack, whose supervisor restarts them; the stack's data are not changed. Everything that the run
made is removed at its end.

With --json: {"events", "kills", "seed", "through", "crash_points": {name: times}, "victims": {name: times},
"unacknowledged_at_kills": {"least", "median"}, "lost", "duplicated", "wrong", "examples", "void": [why, …],
"outcomes": {outcome or store: n}, "distinct_users": {"exact", "estimate"}, "flushes",
"false_positive_rate", "restarts", "seconds"}.
An outage adds "outage": {"service", "seconds", "how", "resident_before": {stage: bytes},
"resident_most": {stage: bytes}, "lag_most": {stage: offsets}, "caught_up_s", "memory_bounded"}.
Exits 1 if anything is lost, duplicated or wrong, or if the run is void."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `lab.chaos.command.run` reads; `--json` comes with every command."""
    parser.add_argument("--events", type=count, default=20_000, metavar="N", help="messages to send (20000)")
    parser.add_argument("--kills", type=count, default=10, metavar="K", help="processes to kill (10)")
    parser.add_argument("--seed", type=count, default=1, metavar="S", help="seed of messages and kills (1)")
    parser.add_argument(
        "--through", choices=THROUGH, default="gate", help="test only the gate (default), or all stages"
    )
    parser.add_argument(
        "--false-positives",
        type=_rate,
        metavar="P",
        help="force this false positive rate on the Bloom filters, for example 0.1",
    )
    parser.add_argument("--flush", action="store_true", help="empty Redis (FLUSHALL) halfway through")
    parser.add_argument(
        "--outage",
        choices=OUTAGES,
        metavar="SERVICE",
        help=f"instead of kills: make one of {', '.join(OUTAGES)} unavailable for a while under load",
    )
    parser.add_argument(
        "--how",
        choices=HOW,
        default=HOW[0],
        help="with --outage: killed, stopped with SIGSTOP, or with a full disk (redis: needs root; "
        "kafka, mongodb and elasticsearch: their folder must be a separate mount)",
    )
    parser.add_argument(
        "--seconds", type=count, default=120, metavar="S", help="how long an outage lasts (120)"
    )
    parser.add_argument("--plant", metavar="FAULT", help=argparse.SUPPRESS)  # for the tests of the torture


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate between 0 and 1")
    return rate
