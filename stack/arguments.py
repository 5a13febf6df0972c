"""Arguments of the commands that run the local stack, and what their help says. Standard library only."""

import argparse
from pathlib import Path

from stack.test_folders import KINDS
from streaming.process.arguments import count, positive

BENCHMARKS = (
    "pipeline", "gate", "flink", "indexer", "memory", "distinct", "soak", "budget", "explain", "accuracy",
    "training", "audit",
)  # fmt: skip

DEMO_DETAILS = """\
Installs what is missing, starts all services, sends the sessions, waits until every stage has
seen them, runs the DAGs (extraction, similar users, private models, reports), reconciles the
stores and prints addresses and login; Airflow's passwords only when they are new. Run again, it
goes on where the simulated time stopped.

Where the privacy budget of these sessions is spent, no models are trained: the demo says so,
names the newest report there is, and exits 0 if all else holds.

With --json: {"holds", "sessions", "seconds", "dags": {dag: state}, "not_trained": null or why,
"reconcile": {…}, "addresses": {component: url}}. A state is success, failed, or, where the
privacy budget is spent, skipped."""

UP_DETAILS = """\
Each component can be one that you run elsewhere: set its address, and it is only looked at, not started:
  VITRINE_KAFKA_BOOTSTRAP_SERVERS  VITRINE_REDIS_URL  MONGO_URI  VITRINE_ELASTICSEARCH_URL  VITRINE_FLINK_URL
VITRINE_PORT_OFFSET=1000 moves every port, so that a second checkout can run beside a first.

On a running stack a setting restarts the services that it concerns, named or not, and no others; which, and
for which setting, is said. It holds until `down`; to have the default back, give that.

With --json: what `status --json` prints."""

DOWN_DETAILS = """\
With --json: {"stopped": [service, …]}."""

STATUS_DETAILS = """\
Exits 1 unless every service is healthy.

With --json: {"healthy", "services": [{"name", "state", "pid", "uptime_s", "healthy", "reason",
"address", "resident_bytes"}], "resident_bytes", "lag": {stage: records},
"airflow": {"url", "users": {name: role}}}."""

PASSWORD_DETAILS = """\
No other command shows it again after the first start. Exits 1 if the user has none yet. Who the users are is
the setting VITRINE_AIRFLOW_USERS; one that is taken out and put in again gets another password.

With --json: {"user", "role", "password"}."""

LOGS_DETAILS = """\
With --json: {"service", "path", "lines"}."""

RESUMMARISE_DETAILS = """\
After its code or the sentiment model has changed: ends the job, forgets its state and starts it;
what it writes replaces what is there. ./vitrine reconcile tells when it is needed.

With --json: what `status --json` prints."""

SETTINGS_DETAILS = """\
With --json: [{"component", "variable", "value", "default", "meaning"}]."""

ENVIRONMENT_DETAILS = """\
For a shell in which one stage is run by hand, in the foreground or in a debugger:

  ./vitrine up kafka redis
  eval "$(./vitrine environment)"
  .vitrine/envs/main/bin/python -m streaming.gate

Passwords are printed in full, where an address or a setting holds one: nothing for a log or a screen that
others see.

With --json: {variable: value}."""

BENCH_DETAILS = """\
pipeline runs gate, flink and indexer and adds the stack's resident memory; explain needs
no service. Prints one JSON object."""

TEST_DETAILS = """\
All: linters, unit and property tests first, then those that need the running stack, which is
started if it is not up (and then stopped again). A test that cannot run fails; none is skipped.

What follows -- goes to pytest, and the linters are left out. A file or a test is run in the environment
that its folder needs; where an option's value is a path, give it with =:
  ./vitrine test unit -- -k late
  ./vitrine test unit -- tests/unit/gate/test_decide.py -k late
  ./vitrine test -- tests/integration/chaos -x
Exits 1 too if nothing matched.

With --json: {"passed", "groups": [{"name", "passed", "seconds", "closing"}]}."""

GENERATE_DETAILS = """\
These follow from the code and from pyproject.toml: docs/metrics.md, docs/models/*.md,
docs/decisions/README.md, dashboards/kibana/*.ndjson, stack/locks/*.txt, requirements.txt. A lock is resolved
anew, from the package registry, only if pyproject.toml has changed since; all else needs no network.

With --json: {"written": [path, …]}, those that were stale. With --check --json: {"stale": [path, …]}; exits 1
if there are any, and changes nothing."""


def add_demo(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine demo`."""
    command.add_argument(
        "--sessions", type=count, default=20_000, help="how many sessions to simulate (20000)"
    )
    command.add_argument("--seed", type=int, default=1, help="the same seed gives the same bytes (1)")


def add_up(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine up`."""
    command.add_argument("services", nargs="*", metavar="SERVICE", help="see ./vitrine status for the names")


def add_password(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine password`."""
    command.add_argument("user", nargs="?", metavar="USER", help="whose (the first admin's)")


def add_logs(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine logs`."""
    command.add_argument("service", metavar="SERVICE", help="see ./vitrine status for the names")
    command.add_argument("--lines", "-n", type=count, default=50, help="how many of the last lines (50)")
    command.add_argument("--follow", "-f", action="store_true", help="go on with what is written from now on")


def add_bench(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine bench`."""
    command.add_argument("name", choices=BENCHMARKS, metavar="NAME", help=" | ".join(BENCHMARKS))
    command.add_argument("file", type=Path, nargs="?", metavar="FILE", help="the CSV, for accuracy")
    command.add_argument("--minutes", type=positive, default=20, help="how long soak goes on (20)")


def add_test(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine test`."""
    command.usage = f"{command.prog} [-h] [--json] [KIND ...] [-- PYTEST ARGUMENT ...]"
    command.add_argument("kinds", nargs="*", metavar="KIND", help=" | ".join(KINDS), type=_kind)


def add_generate(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine generate`."""
    command.add_argument("--check", action="store_true", help="only say which are stale")


def _kind(text: str) -> str:
    if text not in KINDS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(KINDS)}")
    return text
