"""The folders of tests and what each needs. Standard library only."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from stack.machine import CHROMIUM, PROMTOOL, Tool
from streaming.process.exit_code import InvalidRequest

KINDS = ("unit", "property", "contract", "integration", "e2e")
WITHOUT_SERVICES = ("unit", "property")
# Folders below tests/ that need more than the main environment and the stack. A unit test checks what each
# folder imports, and fails if one is missing here.
IN_AIRFLOW = frozenset({"unit/dags", "unit/plugins"})
TOOLS: dict[str, Tool] = {
    "e2e/pages": CHROMIUM,
    "integration/flink": CHROMIUM,
    "integration/alerts": PROMTOOL,
}


class Target(NamedTuple):
    """What pytest runs in one folder: all of it, or one file or test of it."""

    folder: str
    """Path below tests/: unit/gate."""
    argument: str
    """For pytest."""

    @property
    def kind(self) -> str:
        return self.folder.partition("/")[0]

    @property
    def environment(self) -> str:
        """The Python environment that it runs in."""
        return "airflow" if self.folder in IN_AIRFLOW else "main"


def folders(root: Path, kind: str) -> list[Target]:
    """Returns all folders of tests of one kind."""
    found = sorted(folder for folder in (root / "tests" / kind).glob("*/") if any(folder.rglob("test_*.py")))
    return [Target(f"{kind}/{folder.name}", str(folder)) for folder in found]


def chosen(
    root: Path, kinds: Iterable[str], pytest_arguments: Iterable[str]
) -> tuple[list[Target], list[str]]:
    """Returns what to run of `kinds` (all, if none), and the options for pytest. If `pytest_arguments` name
    files, folders or tests, only these are run. Raises InvalidRequest for one that does not exist or is of
    another kind."""
    kinds, options, named = tuple(kinds), list[str](), list[Target]()
    for argument in pytest_arguments:
        if (targets := _targets(root, argument)) is None:
            options.append(argument)
            continue
        for target in targets:
            if kinds and target.kind not in kinds:
                raise InvalidRequest(f"{argument} is not a test of these kinds: {', '.join(kinds)}")
        named += targets
    return named or [target for kind in kinds or KINDS for target in folders(root, kind)], options


def tools(targets: Iterable[Target]) -> list[Tool]:
    """Returns the programs that the targets need beside the stack."""
    return list(dict.fromkeys(TOOLS[target.folder] for target in targets if target.folder in TOOLS))


def _targets(root: Path, argument: str) -> list[Target] | None:
    """Returns the targets of a file, a folder or a test (file::test); None if `argument` is an option or the
    value of one. Raises InvalidRequest for a test that does not exist."""
    path = root / argument.partition("::")[0]
    within = path.resolve().relative_to(root.resolve()).parts if _below(path, root) else ()
    if not path.exists():
        if within[:1] == ("tests",) and (len(within) > 1 or path.suffix == ".py"):
            raise InvalidRequest(f"{argument} does not exist")
        return None
    if within[:1] != ("tests",):
        return None
    kind, folder = (*within[1:3], "", "")[:2]
    if not kind:
        return [target for kind in KINDS for target in folders(root, kind)]
    if kind not in KINDS:
        raise InvalidRequest(f"{argument} is not a test")
    return [Target(f"{kind}/{folder}", argument)] if folder else folders(root, kind)


def _below(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())
