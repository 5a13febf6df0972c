"""The StackContext of this checkout, read from the environment variables."""

import os
from collections.abc import Mapping
from dataclasses import replace

from stack.layout import HERE, Layout
from stack.machine import java_home
from stack.principals import Principal
from stack.service import StackContext
from stack.settings import StackSettings, environment, external


def this_checkout(layout: Layout = HERE, principal: Principal | None = Principal.ADMIN) -> StackContext:
    """Returns the context of this checkout with the settings of the environment variables. With None as
    `principal`, the credentials too are only those of the environment variables."""
    settings = StackSettings()
    return StackContext(
        layout=layout,
        settings=settings,
        environment=environment(settings, layout, os.environ, principal),
        external=external(settings, os.environ),
        java_home=java_home(),
        root=os.geteuid() == 0,
        principal=principal,
    )


def under(place: StackContext, given: Mapping[str, str]) -> StackContext:
    """Returns `place` with the settings `given` instead of its own."""
    settings = StackSettings.of(given)
    return replace(
        place,
        settings=settings,
        environment=environment(settings, place.layout, given, place.principal),
        external=external(settings, given),
    )
