"""Ports for servers that a test or a benchmark starts."""

import random
import socket
from contextlib import suppress
from pathlib import Path


def free_port() -> int:
    """Returns a free loopback port that the system does not assign to clients by itself, so that it is still
    free after the server was killed."""
    first_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10_000, max(first_ephemeral, 20_000))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
