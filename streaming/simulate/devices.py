"""The devices of the simulated people: device types, operating systems and browsers that go together."""

from typing import NamedTuple


class Kit(NamedTuple):
    """A device, as in a session."""

    device_type: str
    operating_system: str
    browser_type: str


KITS: tuple[tuple[Kit, float], ...] = (
    (Kit("mobile", "iOS", "Safari"), 0.22),
    (Kit("mobile", "iOS", "Chrome"), 0.04),
    (Kit("mobile", "Android", "Chrome"), 0.21),
    (Kit("mobile", "Android", "Samsung Internet"), 0.06),
    (Kit("mobile", "Android", "Firefox"), 0.02),
    (Kit("tablet", "iPadOS", "Safari"), 0.06),
    (Kit("tablet", "Android", "Chrome"), 0.03),
    (Kit("desktop", "Windows", "Chrome"), 0.15),
    (Kit("desktop", "Windows", "Edge"), 0.06),
    (Kit("desktop", "Windows", "Firefox"), 0.03),
    (Kit("desktop", "macOS", "Safari"), 0.05),
    (Kit("desktop", "macOS", "Chrome"), 0.05),
    (Kit("desktop", "Linux", "Firefox"), 0.02),
)
"""Each kit, and the share of people who have it as their first device."""

INTENT_OF_DEVICE = {"mobile": -0.35, "tablet": 0.0, "desktop": 0.35}
"""How much a device raises the intent to buy: people look on phones and buy on computers."""
