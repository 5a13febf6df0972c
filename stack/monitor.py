"""`python -m stack.monitor`: the monitor of the local stack, which also probes its services."""

import sys

from stack.context import this_checkout
from stack.services_probe import ServicesProbe
from streaming.monitor.__main__ import main as monitor
from streaming.monitor.probe import Probe
from streaming.settings import WatchSettings


def main() -> int:
    """Runs the monitor of `streaming.monitor`, with a probe of the services if this stack's supervisor runs
    them."""
    services = Probe("services", lambda: ServicesProbe(this_checkout(principal=None)), 15)
    return monitor([services] if WatchSettings().supervised else [])


if __name__ == "__main__":
    sys.exit(main())
