"""`./vitrine generate`: regenerates every file that is derived from other files, or checks that it is up to
date."""

import argparse
import json
import os
import sys
from pathlib import Path

from lab import decisions_index
from ml.cards.__main__ import cards
from stack import environments, locks
from stack.layout import HERE, Layout
from streaming.dashboards.__main__ import exports
from streaming.metrics.__main__ import page
from streaming.process.exit_code import ExitCode


def pages(root: Path) -> dict[Path, str]:
    """Returns the right content of each generated file except the locks, by its path below `root`."""
    dashboards, decisions = Path("dashboards"), Path("docs/decisions")
    wanted = {Path("docs/metrics.md"): page(), Path("requirements.txt"): locks.exported(Layout(root))}
    wanted |= {Path("docs/models") / name: text for name, text in cards().items()}
    wanted |= {dashboards / name: text for name, text in exports(root / dashboards).items()}
    if records := decisions_index.records(root / decisions):
        wanted[decisions / "README.md"] = decisions_index.index(records)
    return wanted


def stale_locks(layout: Layout) -> list[str]:
    """Returns the environments whose lock is older than the requirements in pyproject.toml."""
    return [name for name in locks.ENVIRONMENTS if locks.stale(layout, name)]


def stale_pages(root: Path) -> dict[Path, str]:
    """Returns the stale files with their right content."""
    return {path: text for path, text in pages(root).items() if _content(root / path) != text}


def check(layout: Layout) -> list[str]:
    """Returns the paths of all stale files."""
    stale = [layout.locks / f"{name}.txt" for name in stale_locks(layout)]
    return sorted(str(path.relative_to(layout.root)) for path in stale) + sorted(
        map(str, stale_pages(layout.root))
    )


def generate(layout: Layout) -> list[str]:
    """Regenerates the stale files and returns their paths. Raises Missing if a lock cannot be resolved."""
    written = []
    for name in stale_locks(layout):
        print(f"resolving the lock of {name} …", file=sys.stderr)
        locks.refresh(layout, environments.ensure_uv(layout), name)
        written.append(str((layout.locks / f"{name}.txt").relative_to(layout.root)))
    for path, text in sorted(stale_pages(layout.root).items()):  # after the locks, for requirements.txt
        (layout.root / path).parent.mkdir(parents=True, exist_ok=True)
        (layout.root / path).write_text(text, encoding="utf-8")
        written.append(str(path))
    return written


def from_command_line(arguments: argparse.Namespace) -> int:
    """Runs the parsed command. Returns its exit code."""
    os.umask(0o022)  # these files belong to the repository: everyone who can read it may read them
    key, found = ("stale", check(HERE)) if arguments.check else ("written", generate(HERE))
    if arguments.json:
        print(json.dumps({key: found}))
    elif found:
        print("\n".join(f"{key}: {path}" for path in found))
    else:
        print("all generated files are up to date", file=sys.stderr)
    return ExitCode.NOT_SO if arguments.check and found else ExitCode.DONE


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
