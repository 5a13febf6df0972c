"""The steps of a batch through the gate, at each of which a test can end it (a crash point). Pure."""

from collections.abc import Callable
from typing import Literal

Step = Literal["read", "claimed", "written", "flushed", "committed"]
OnStep = Callable[[Step], None]
