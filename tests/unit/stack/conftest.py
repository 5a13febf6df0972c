"""A StackContext of no real checkout, to test declarations without starting anything."""

from pathlib import Path

import pytest

from stack.layout import Layout
from stack.service import StackContext
from stack.settings import StackSettings, environment, external


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
