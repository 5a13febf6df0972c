"""Which tests there are, and what each folder of them needs. Standard library only."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from stack.machine import CHROMIUM, PROMTOOL, Tool
from streaming.process.exit_code import InvalidRequest

KINDS = ("unit", "property", "contract", "integration", "e2e")
WITHOUT_SERVICES = ("unit", "property")
# Folders below tests/ that need more than the main environment and the stack. A unit test reads what each
# folder imports, and finds one that is missing here.
IN_AIRFLOW = frozenset({"unit/dags", "unit/plugins"})
TOOLS: dict[str, Tool] = {
    "e2e/pages": CHROMIUM,
    "integration/flink": CHROMIUM,
    "integration/alerts": PROMTOOL,
}


class Target(NamedTuple):
    """What pytest is to run in one folder: all of it, or the file or test in it that was named."""

    folder: str
    """Kind and folder, as they stand below tests/: unit/gate."""
    argument: str
    """For pytest."""

    @property
    def kind(self) -> str:
        return self.folder.partition("/")[0]

    @property
    def environment(self) -> str:
        """The Python environment that it is run in."""
        return "airflow" if self.folder in IN_AIRFLOW else "main"


def folders(root: Path, kind: str) -> list[Target]:
    """All folders of tests of one kind, one for each concept."""
    found = sorted(folder for folder in (root / "tests" / kind).glob("*/") if any(folder.rglob("test_*.py")))
    return [Target(f"{kind}/{folder.name}", str(folder)) for folder in found]


def chosen(
    root: Path, kinds: Iterable[str], pytest_arguments: Iterable[str]
) -> tuple[list[Target], list[str]]:
    """What to run of `kinds` (all, if none), and the options for pytest. Files, folders and tests among
    `pytest_arguments` are all that is run. Raises InvalidRequest for one that is not there, or is of another
    kind."""
    kinds, options, named = tuple(kinds), list[str](), list[Target]()
    for argument in pytest_arguments:
        if (targets := _targets(root, argument)) is None:
            options.append(argument)
            continue
        for target in targets:
            if kinds and target.kind not in kinds:
                raise InvalidRequest(f"{argument} is none of the tests asked for: {', '.join(kinds)}")
        named += targets
    return named or [target for kind in kinds or KINDS for target in folders(root, kind)], options


def tools(targets: Iterable[Target]) -> list[Tool]:
    """The programs that they need beside the stack."""
    return list(dict.fromkeys(TOOLS[target.folder] for target in targets if target.folder in TOOLS))


def _targets(root: Path, argument: str) -> list[Target] | None:
    """What a file, a folder or a test (file::test) is; None if `argument` is an option, or a value of one."""
    path = root / argument.partition("::")[0]
    within = path.resolve().relative_to(root.resolve()).parts if _below(path, root) else ()
    if not path.exists():
        if within[:1] == ("tests",) and (len(within) > 1 or path.suffix == ".py"):
            raise InvalidRequest(f"there is no {argument}")
        return None
    if within[:1] != ("tests",):
        return None
    kind, folder = (*within[1:3], "", "")[:2]
    if not kind:
        return [target for kind in KINDS for target in folders(root, kind)]
    if kind not in KINDS:
        raise InvalidRequest(f"{argument} is no test")
    return [Target(f"{kind}/{folder}", argument)] if folder else folders(root, kind)


def _below(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())
