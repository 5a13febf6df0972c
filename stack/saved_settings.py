"""The settings that the running stack was started with: later commands use them without being given them."""

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
    """Returns the variables that are Vitrine settings."""
    return {name: value for name, value in environment.items() if name.startswith(PREFIXES)}


def settings(layout: Layout) -> dict[str, str]:
    """Returns the settings that the running stack was started with; empty if none runs."""
    with suppress(OSError, ValueError):
        return dict(json.loads(_file(layout).read_text()))
    return {}


def chosen() -> dict[str, str]:
    """Returns the settings that the user gave, for this command or before, as `recall` found them."""
    return dict(_given)


def recall(layout: Layout) -> None:
    """Adds the settings that the running stack was started with to the environment, unless it already sets
    them, and remembers the result for `chosen`. Call it before derived addresses are added: these were not
    given by the user."""
    for name, value in settings(layout).items():
        os.environ.setdefault(name, value)
    _given.clear()
    _given.update(given(os.environ))


def remember(layout: Layout) -> None:
    """Saves the settings that the stack is now started with. They may hold passwords."""
    descriptor = os.open(_file(layout), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(_given, file)


def forget(layout: Layout) -> None:
    """Deletes the saved settings. Call it after the stack was stopped."""
    _file(layout).unlink(missing_ok=True)
    restarted(layout)


def _restarting(layout: Layout) -> Path:
    return layout.run / "restarting.json"


def restarting(layout: Layout, names: Iterable[str]) -> None:
    """Saves the names of the services that are about to be restarted."""
    _restarting(layout).write_text(json.dumps(sorted(names)))


def interrupted(layout: Layout) -> frozenset[str]:
    """Returns the services that a restart stopped and that have not become healthy since."""
    with suppress(OSError, ValueError):
        return frozenset(json.loads(_restarting(layout).read_text()))
    return frozenset()


def restarted(layout: Layout) -> None:
    """Records that all restarted services have become healthy."""
    _restarting(layout).unlink(missing_ok=True)
