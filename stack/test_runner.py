"""`./vitrine test`: runs every check in its Python environment, quick ones first."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from stack import environments, lifecycle, machine
from stack.components import flink
from stack.context import this_checkout
from stack.layout import HERE, Layout
from stack.progress import Progress
from stack.supervisor import Supervisor
from stack.test_folders import KINDS, WITHOUT_SERVICES, Target, chosen, tools

NOTHING_COLLECTED = 5
"""Pytest's exit code where no test matched."""
IN_PARALLEL = ("-n", "2", "--dist", "loadfile")
"""Whole kinds run in two processes, each file in one of them: tests wait more than they compute, and those on
the running stack use names of their own."""


HANGS_AFTER_S = 600
"""A test without services that runs for so long hangs. It is ended, so that the run reports all others."""


@dataclass(frozen=True)
class CheckOutcome:
    """One group of checks. `closing`: the last line it printed."""

    name: str
    passed: bool
    seconds: float
    closing: str


def run(kinds: Iterable[str], pytest_arguments: Sequence[str] = ()) -> list[CheckOutcome]:
    """Runs the checks of `kinds` (all, if none), or those that `pytest_arguments` select, and returns the
    outcome of each group; empty if nothing matched. Raises InvalidRequest for tests that do not exist, and
    Missing or StackError if what they need cannot be installed or started."""
    kinds = tuple(kinds)
    targets, options = chosen(HERE.root, kinds, pytest_arguments)
    outcomes = [] if pytest_arguments or (kinds and "unit" not in kinds) else lint(HERE)
    selecting = bool(pytest_arguments)
    offline = [target for target in targets if target.kind in WITHOUT_SERVICES]
    outcomes += _pytest(HERE, offline, options, _without_settings(os.environ), selecting)
    if online := [target for target in targets if target.kind not in WITHOUT_SERVICES]:
        outcomes += _with_services(online, options, selecting)
    return outcomes


def lint(layout: Layout) -> list[CheckOutcome]:
    """Runs the linters, the type checker and the import rules."""
    commands = {
        "ruff check": ["ruff", "check", "."],
        "ruff format": ["ruff", "format", "--check", "."],
        "mypy": ["mypy"],
        "lint-imports": ["lint-imports"],
    }
    folder = layout.environment("main") / "bin"
    return [
        _outcome(name, *_shown(name, [str(folder / command), *more], os.environ))
        for name, (command, *more) in commands.items()
    ]


def _pytest(
    layout: Layout,
    targets: Iterable[Target],
    options: Sequence[str],
    environment: Mapping[str, str],
    selecting: bool,
) -> list[CheckOutcome]:
    """Runs pytest for each kind and Python environment, as `_passes` says. If `selecting`, and of tests that
    run alone, a pass in which no test matched is left out."""
    groups: dict[tuple[str, str], list[str]] = {}
    for target in sorted(
        targets, key=lambda target: (KINDS.index(target.kind), target.environment != "main")
    ):
        groups.setdefault((target.kind, target.environment), []).append(target.argument)
    outcomes = []
    for (kind, name), arguments in groups.items():
        environments.ensure(layout, name, lambda text: print(f"vitrine: {text} …", file=sys.stderr))
        for addition, own in _passes(kind, name, selecting).items():
            command = [str(layout.python(name)), "-m", "pytest", *own, *options, *dict.fromkeys(arguments)]
            label = f"{kind} ({name}{addition})"
            code, seconds, closing = _shown(label, command, environment)
            if not (code == NOTHING_COLLECTED and (selecting or addition)):
                outcomes.append(_outcome(label, code, seconds, closing))
    return outcomes


def _passes(kind: str, environment: str, selecting: bool) -> dict[str, tuple[str, ...]]:
    """Returns the options of each pass of pytest over the tests of a kind, by what its label adds. Tests that
    interrupt a service of the running stack come last, in one process."""
    if selecting or environment != "main":
        return {"": ()}
    if kind in WITHOUT_SERVICES:
        return {"": (*IN_PARALLEL, "--timeout", str(HANGS_AFTER_S))}
    return {"": (*IN_PARALLEL, "-m", "not alone"), ", alone": ("-m", "alone")}


def _with_services(targets: list[Target], options: Sequence[str], selecting: bool) -> list[CheckOutcome]:
    """Runs the tests that need the running stack, which is started if it is not up, and then stopped
    again."""
    machine.install(tools(targets))
    was_up = Supervisor(HERE).running()
    try:
        with Progress() as progress:
            lifecycle.bring_up((), progress.tell)
        place = this_checkout()
        environment = dict(os.environ) | dict(place.environment) | flink.variables(place)
        return _pytest(HERE, targets, options, environment, selecting)
    finally:
        if not was_up:
            lifecycle.take_down(this_checkout(), lambda name, state: None)


def _without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment without settings: unit tests must see the defaults, not a running stack's."""
    return {name: value for name, value in environment.items() if not name.startswith(("VITRINE_", "MONGO_"))}


def _shown(name: str, command: list[str], environment: Mapping[str, str]) -> tuple[int, float, str]:
    """Runs a command and shows its output as it comes (on standard error: standard output is for --json).
    Returns its exit code, the seconds it took and the last line that it printed."""
    print(f"\n=== {name}", file=sys.stderr, flush=True)
    began, closing = time.monotonic(), ""
    with subprocess.Popen(
        command,
        env=dict(environment),
        cwd=HERE.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", file=sys.stderr, flush=True)
            closing = line.strip() or closing
    return process.returncode, time.monotonic() - began, closing


def _outcome(name: str, code: int, seconds: float, closing: str) -> CheckOutcome:
    return CheckOutcome(name, code == 0, round(seconds, 1), closing)


def as_json(outcomes: list[CheckOutcome]) -> dict[str, object]:
    """Returns the object that `test --json` prints."""
    passed = bool(outcomes) and all(outcome.passed for outcome in outcomes)
    return {"passed": passed, "groups": [asdict(outcome) for outcome in outcomes]}


def text(outcomes: list[CheckOutcome]) -> str:
    """Returns the outcomes as text for people."""
    return "\n".join(
        f"{'passed' if outcome.passed else 'FAILED'}  {outcome.seconds:6.1f} s  "
        f"{outcome.name:20}  {outcome.closing}"
        for outcome in outcomes
    )
