"""The names under which the Airflow UI answers. Pure.

A browser that was made to take a foreign name for 127.0.0.1 (DNS rebinding) sends that name as Host. If it is
refused, the page that it came from reads nothing.
"""

from collections.abc import Iterable

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_EVERYWHERE = ("", "0.0.0.0", "::")


def allowed(further: str, own: Iterable[str]) -> list[str]:
    """Returns the loopback names, the names in `own` that are single addresses, and those in `further`
    (comma-separated)."""
    listed = [name.strip().lower() for name in further.split(",")]
    addresses = [_bracketed(name.lower()) for name in own if name not in _EVERYWHERE]
    return list(dict.fromkeys([*LOOPBACK, *addresses, *filter(None, listed)]))


def _bracketed(name: str) -> str:
    """As a Host header writes it: an IPv6 address is in brackets there."""
    return f"[{name}]" if ":" in name and not name.startswith("[") else name
