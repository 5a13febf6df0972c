"""`./vitrine test`: every check in the environment it belongs to, the quick ones first, all of them told."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from stack import commands, environments, lifecycle, machine
from stack.components import flink
from stack.context import this_checkout
from stack.layout import HERE, Layout
from stack.progress import Progress
from stack.supervisor import Supervisor

WITHOUT_SERVICES = ("unit", "property")
AIRFLOW = re.compile(r"^\s*(from|import) airflow\b", re.MULTILINE)
BROWSER = re.compile(r"^\s*(from|import) playwright\b", re.MULTILINE)
PROMETHEUS = re.compile(r"\bpromtool\b")


@dataclass(frozen=True)
class CheckOutcome:
    """One group of checks. `closing`: the last line it printed."""

    name: str
    passed: bool
    seconds: float
    closing: str


def rooms(layout: Layout, kind: str) -> list[Path]:
    """The folders of tests of one kind, one for each room of the house."""
    folder = layout.root / "tests" / kind
    return (
        sorted(room for room in folder.iterdir() if any(room.rglob("test_*.py"))) if folder.is_dir() else []
    )


def imports(room: Path, module: re.Pattern[str]) -> bool:
    """Whether any file of the room's tests has what `module` matches, an import say."""
    return any(module.search(file.read_text()) for file in room.rglob("*.py"))


def run(kinds: Iterable[str]) -> list[CheckOutcome]:
    """Runs the checks of `kinds` (all, if none) and returns what became of each group.
    Raises Missing or StackError if what they need cannot be had."""
    chosen = tuple(kinds) or commands.TEST_KINDS
    outcomes = []
    if "unit" in chosen:
        outcomes += lint(HERE)
    offline = [kind for kind in WITHOUT_SERVICES if kind in chosen]
    outcomes += _pytest(HERE, offline, _without_settings(os.environ))
    if online := [kind for kind in commands.TEST_KINDS if kind in chosen and kind not in WITHOUT_SERVICES]:
        outcomes += _with_services(online)
    return outcomes


def lint(layout: Layout) -> list[CheckOutcome]:
    """The linters, the types and the rules of who may import whom."""
    tools = {
        "ruff check": ["ruff", "check", "."],
        "ruff format": ["ruff", "format", "--check", "."],
        "mypy": ["mypy"],
        "lint-imports": ["lint-imports"],
    }
    folder = layout.environment("main") / "bin"
    return [
        _report(name, [str(folder / command), *more], os.environ) for name, (command, *more) in tools.items()
    ]


def _pytest(layout: Layout, kinds: Iterable[str], environment: Mapping[str, str]) -> list[CheckOutcome]:
    """One run of pytest for each kind and each Python environment that its tests need."""
    outcomes = []
    for kind in kinds:
        for name in ("main", "airflow"):
            found = [room for room in rooms(layout, kind) if imports(room, AIRFLOW) == (name == "airflow")]
            if not found:
                continue
            environments.ensure(layout, name, lambda text: print(f"vitrine: {text} …", file=sys.stderr))
            command = [str(layout.python(name)), "-m", "pytest", *map(str, found)]
            outcomes.append(_report(f"{kind} ({name})", command, environment))
    return outcomes


def _with_services(kinds: list[str]) -> list[CheckOutcome]:
    """The tests that look at the running stack. It is started if it is not up, and then stopped again."""
    found = [room for kind in kinds for room in rooms(HERE, kind)]
    wanted = {BROWSER: machine.CHROMIUM, PROMETHEUS: machine.PROMTOOL}
    machine.install(tool for mark, tool in wanted.items() if any(imports(room, mark) for room in found))
    was_up = Supervisor(HERE).running()
    try:
        with Progress() as progress:
            lifecycle.bring_up((), progress.tell)
        place = this_checkout()
        environment = dict(os.environ) | dict(place.environment) | flink.variables(place)
        return _pytest(HERE, kinds, environment)
    finally:
        if not was_up:
            lifecycle.take_down(this_checkout(), lambda name, state: None)


def _without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Unit tests see the defaults, not the addresses of a stack that happens to run."""
    return {name: value for name, value in environment.items() if not name.startswith(("VITRINE_", "MONGO_"))}


def _report(name: str, command: list[str], environment: Mapping[str, str]) -> CheckOutcome:
    """Runs a command, shows its output as it comes (on standard error: standard output is for --json)."""
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
    return CheckOutcome(name, process.returncode == 0, round(time.monotonic() - began, 1), closing)


def as_json(outcomes: list[CheckOutcome]) -> dict[str, object]:
    """The documented object."""
    passed = bool(outcomes) and all(outcome.passed for outcome in outcomes)
    return {"passed": passed, "groups": [asdict(outcome) for outcome in outcomes]}


def text(outcomes: list[CheckOutcome]) -> str:
    """The same for people."""
    return "\n".join(
        f"{'passed' if outcome.passed else 'FAILED'}  {outcome.seconds:6.1f} s  "
        f"{outcome.name:20}  {outcome.closing}"
        for outcome in outcomes
    )
