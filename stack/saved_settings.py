"""The settings that the running stack was started with: whoever gave it other ports need not say so again."""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from stack.layout import Layout

PREFIXES = ("VITRINE_", "MONGO_")
_given: dict[str, str] = {}


def _file(layout: Layout) -> Path:
    return layout.run / "settings.json"


def given(environment: Mapping[str, str]) -> dict[str, str]:
    """Those of the variables that are settings of ours."""
    return {name: value for name, value in environment.items() if name.startswith(PREFIXES)}


def settings(layout: Layout) -> dict[str, str]:
    """What the running stack was started with; nothing, if none runs."""
    with suppress(OSError, ValueError):
        return dict(json.loads(_file(layout).read_text()))
    return {}


def wished() -> dict[str, str]:
    """What the user has given, now or before, as `recall` found it."""
    return dict(_given)


def recall(layout: Layout) -> None:
    """Puts the settings that the running stack was started with into the environment, where it says nothing
    else, and keeps what is in it now: derived addresses come later and are nobody's wish."""
    for name, value in settings(layout).items():
        os.environ.setdefault(name, value)
    _given.clear()
    _given.update(given(os.environ))


def remember(layout: Layout) -> None:
    """Writes down the settings that the stack is now started with. They may hold passwords."""
    descriptor = os.open(_file(layout), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(_given, file)


def forget(layout: Layout) -> None:
    """After the stack was stopped."""
    _file(layout).unlink(missing_ok=True)
    restarted(layout)


def _restarting(layout: Layout) -> Path:
    return layout.run / "restarting.json"


def restarting(layout: Layout, names: Iterable[str]) -> None:
    """Writes down the services that are about to be stopped only to be started again."""
    _restarting(layout).write_text(json.dumps(sorted(names)))


def interrupted(layout: Layout) -> frozenset[str]:
    """Those that a restart has stopped and that did not get healthy since."""
    with suppress(OSError, ValueError):
        return frozenset(json.loads(_restarting(layout).read_text()))
    return frozenset()


def restarted(layout: Layout) -> None:
    """After all of them got healthy."""
    _restarting(layout).unlink(missing_ok=True)
