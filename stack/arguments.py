"""Arguments and help of the commands that run the local stack. Standard library only."""

import argparse
from pathlib import Path

from stack.principals import Principal
from stack.test_folders import KINDS
from streaming.process.arguments import count, positive

BENCHMARKS = (
    "pipeline", "gate", "flink", "job_state", "indexer", "memory", "distinct", "soak", "budget", "explain",
    "accuracy", "training", "audit",
)  # fmt: skip

DEMO_DETAILS = """\
Installs what is missing, starts all services, sends the sessions, waits until every stage has
processed them, runs the DAGs (extraction, similar users, private models, reports), reconciles the
stores and prints addresses and users; Airflow's passwords only if they are new. A second run continues
where the simulated time stopped.

If the privacy budget of these sessions is spent, no models are trained: the demo prints why and
names the newest report, and exits 0 if everything else succeeded.

With --json: {"holds", "sessions", "seconds", "dags": {dag: state}, "not_trained": null or the reason,
"reconcile": {…}, "addresses": {component: url}}. A state is success, failed, or, where the
privacy budget is spent, skipped."""

UP_DETAILS = """\
To use a component that you run elsewhere, set its address. It is then checked, but not started:
  VITRINE_KAFKA_BOOTSTRAP_SERVERS  VITRINE_REDIS_URL  MONGO_URI  VITRINE_ELASTICSEARCH_URL  VITRINE_FLINK_URL
VITRINE_PORT_OFFSET=1000 moves every port, so that a second checkout can run beside a first.

If a setting has changed since the stack was started, `up` restarts every service that reads it, and no other,
and prints which service and which setting. A setting is kept until `down`; to undo it, set it to the default.

With --json: what `status --json` prints."""

DOWN_DETAILS = """\
With SERVICE: stops only these; what needs them keeps running and waits. `up SERVICE` starts them again.

With --json: {"stopped": [service, …]}."""

STATUS_DETAILS = """\
Exits 1 unless every service is healthy.

With --json: {"healthy", "services": [{"name", "state", "pid", "uptime_s", "healthy", "reason",
"address", "resident_bytes"}], "resident_bytes", "lag": {stage: records},
"interrupted_restore": the backup whose restore is to be completed, or null,
"foreign_users_kept_out": whether the rule of root's start keeps other users of this machine from ports that
ask for no password, "airflow": {"url", "users": {name: role}}}."""

PORTS_DETAILS = """\
Looks up in the kernel on which TCP ports the processes of this stack listen, and tries each in the protocols
of all servers: as another user of this machine (as `nobody`, which only root can: otherwise unknown), as a
web page of another origin (which reads, or posts), and as one whose name was made to lead here. Refused
means: no connection, none without a login or a certificate, or nothing but an error. Unknown also means that
the port said nothing in its own protocol, as a paused server does: look again later. Exits 1 unless all are
refused.

With --json: {"ports": [{"service", "port", "address", "foreign_uid", "foreign_origin", "foreign_host"}]},
each of the last three refused, answered or unknown."""

PASSWORD_DETAILS = """\
No other command shows it again after the first start. Exits 1 if the user has none yet. Who the users are is
the setting VITRINE_AIRFLOW_USERS; one that is taken out and put in again gets another password.

With --json: {"user", "role", "password"}."""

LOGS_DETAILS = """\
With --json: {"service", "path", "lines"}."""

RESUMMARISE_DETAILS = """\
For use after the job's code or the sentiment model has changed: stops the job, deletes its state and starts
it. What it writes replaces what is stored. ./vitrine reconcile reports when this is needed.

With --json: what `status --json` prints."""

SETTINGS_DETAILS = """\
With --json: [{"component", "variable", "value", "default", "meaning"}]."""

ENVIRONMENT_DETAILS = """\
Use it in a shell in which you run one stage by hand, in the foreground or in a debugger:

  ./vitrine up kafka redis
  eval "$(./vitrine environment)"
  .vitrine/envs/main/bin/python -m streaming.gate

Each service has its own user in the stores; with --as NAME you get the credentials of one of them.

Passwords in addresses and settings are printed in full: keep the output out of logs and shared screens.

With --json: {variable: value}."""

BENCH_DETAILS = """\
pipeline runs gate, flink and indexer and adds the stack's resident memory; explain needs no
service. Prints one JSON object."""

TEST_DETAILS = """\
Without KIND: first the linters, the unit tests and the property tests, then those that need the running
stack, which is started if it is not up (and then stopped again). A test that cannot run fails; none is
skipped.

Arguments after -- are passed to pytest, and the linters are left out. Each file or test runs in the Python
environment that its folder needs. Write an option whose value is a path with =.
  ./vitrine test unit -- -k late
  ./vitrine test unit -- tests/unit/gate/test_decide.py -k late
  ./vitrine test -- tests/integration/chaos -x
Also exits 1 if no test matched.

With --json: {"passed", "groups": [{"name", "passed", "seconds", "closing"}]}."""

GENERATE_DETAILS = """\
These files are generated from the code and from pyproject.toml: docs/metrics.md, docs/models/*.md,
docs/decisions/README.md, dashboards/kibana/*.ndjson, stack/locks/*.txt, requirements.txt. A lock is resolved
again, from the package registry, only if pyproject.toml has changed since; nothing else needs a network.

With --check, changes nothing and exits 1 if any file is stale.

With --json: {"written": [path, …]}, the files that were stale. With --check --json: {"stale": [path, …]}."""


def add_demo(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine demo`."""
    command.add_argument(
        "--sessions", type=count, default=20_000, help="how many sessions to simulate (20000)"
    )
    command.add_argument("--seed", type=int, default=1, help="the same seed sends the same bytes (1)")


def add_up(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine up`."""
    command.add_argument("services", nargs="*", metavar="SERVICE", help="see ./vitrine status for the names")


def add_down(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine down`."""
    command.add_argument("services", nargs="*", metavar="SERVICE", help="see ./vitrine status for the names")


def add_password(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine password`."""
    command.add_argument("user", nargs="?", metavar="USER", help="whose (the first admin's)")


def add_environment(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine environment`."""
    users = tuple(principal.value for principal in Principal if principal is not Principal.BROKER)
    command.add_argument(
        "--as",
        dest="principal",
        choices=users,
        default=Principal.ADMIN.value,
        help="whose credentials for the stores (admin, who may do everything): shop may only send sessions, "
        "watch only read",
    )


def add_logs(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine logs`."""
    command.add_argument("service", metavar="SERVICE", help="see ./vitrine status for the names")
    command.add_argument("--lines", "-n", type=count, default=50, help="how many lines to show (50)")
    command.add_argument("--follow", "-f", action="store_true", help="keep showing new lines")


def add_bench(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine bench`."""
    command.add_argument("name", choices=BENCHMARKS, metavar="NAME", help=" | ".join(BENCHMARKS))
    command.add_argument("file", type=Path, nargs="?", metavar="FILE", help="the CSV, for accuracy")
    command.add_argument("--minutes", type=positive, default=20, help="how long soak runs (20)")


def add_test(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine test`."""
    command.usage = f"{command.prog} [-h] [--json] [KIND ...] [-- PYTEST ARGUMENT ...]"
    command.add_argument("kinds", nargs="*", metavar="KIND", help=" | ".join(KINDS), type=_kind)


def add_generate(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine generate`."""
    command.add_argument("--check", action="store_true", help="only report which files are stale")


def _kind(text: str) -> str:
    if text not in KINDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(KINDS)}")
    return text
