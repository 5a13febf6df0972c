"""The place of this checkout, read from the environment once."""

import os
from collections.abc import Mapping
from dataclasses import replace

from stack.layout import HERE, Layout
from stack.machine import java_home
from stack.service import Place
from stack.settings import StackSettings, environment, external


def here(layout: Layout = HERE) -> Place:
    """This checkout, with the settings of the environment variables."""
    settings = StackSettings()
    return Place(
        layout=layout,
        settings=settings,
        environment=environment(settings, layout, os.environ),
        external=external(settings, os.environ),
        java_home=java_home(),
        root=os.geteuid() == 0,
    )


def under(place: Place, given: Mapping[str, str]) -> Place:
    """The same place with the settings `given` instead of its own."""
    settings = StackSettings.of(given)
    return replace(
        place,
        settings=settings,
        environment=environment(settings, place.layout, given),
        external=external(settings, given),
    )
