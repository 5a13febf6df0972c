"""Golden sessions: messages that every release must read, byte for byte as they were first sent.

One file for each. No file is changed or removed while any sender may still use its version.
"""

import json
from pathlib import Path

from msgspec import Struct


class GoldenSession(Struct, frozen=True):
    """One message that the contract promises to read."""

    name: str
    """Of its file, without the ending."""
    value: bytes
    event_time_ms: int
    """Read by another decoder than the contract's, which it is to test. A message that arrived at this time
    is neither from the future nor older than any horizon."""


def sessions() -> list[GoldenSession]:
    """All of them. Raises FileNotFoundError where the package was installed without them."""
    files = sorted(Path(__file__).parent.glob("session_v*.json"))
    if not files:
        raise FileNotFoundError(f"no golden session in {Path(__file__).parent}: install the package anew")
    return [
        GoldenSession(file.stem, value := file.read_bytes(), json.loads(value)["eventTimeMs"])
        for file in files
    ]
