"""Ports for servers that a test or a measurement starts."""

import random
import socket
from contextlib import suppress
from pathlib import Path


def free_port() -> int:
    """A loopback port that nothing has, and that the system gives to no client of its own accord: a server
    that is killed finds it free again."""
    given_away_from = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10_000, max(given_away_from, 20_000))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
