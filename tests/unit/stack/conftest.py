"""A StackContext of no real checkout, to test declarations without starting anything."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.layout import Layout
from stack.service import StackContext
from stack.settings import StackSettings, environment, external


@pytest.fixture(autouse=True)
def restored_process() -> Iterator[None]:
    """Restores the environment and the umask, which a command changes when a test runs it in this process."""
    before, umask = dict(os.environ), os.umask(0o077)
    os.umask(umask)
    yield
    os.environ.clear()
    os.environ.update(before)
    os.umask(umask)


def place_at(root: Path, **given: str) -> StackContext:
    layout = Layout(root)
    settings = StackSettings(port_offset=int(given.get("VITRINE_PORT_OFFSET", "0")))
    return StackContext(
        layout=layout,
        settings=settings,
        environment=environment(settings, layout, given),
        external=external(settings, given),
        java_home="/java",
        root=True,
    )


@pytest.fixture
def place(tmp_path: Path) -> StackContext:
    return place_at(tmp_path)
