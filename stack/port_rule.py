"""Keeps other users of this machine from ports that ask for no password: an nftables table of this checkout,
by the uid of who connects. Standard library only.

It holds for connections over loopback; root passes. Where the kernel routes packets of other machines and of
containers to loopback addresses (route_localnet), those are dropped.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = 0


@dataclass(frozen=True)
class Door:
    """Ports, and the users that may connect to them besides root."""

    ports: tuple[tuple[int, int], ...]
    """Ranges, the first and the last port of each."""
    users: tuple[str, ...]


class NoRule(Exception):
    """The rule cannot be applied; the message is the reason."""


def table(digest: str) -> str:
    """Returns the name of the table of the checkout with this digest."""
    return f"vitrine_{digest}"


def written(name: str, doors: Iterable[Door], uids: Mapping[str, int]) -> str:
    """Returns the table as nft reads it: it replaces an older one of the name in one step. A connection is
    answered with a reset, so that it fails at once."""
    here, elsewhere = [], []
    for door in doors:
        ports = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in door.ports)
        allowed = ", ".join(str(uid) for uid in sorted({ROOT, *(uids[user] for user in door.users)}))
        if ports:
            to = f"tcp dport {{ {ports} }}"
            here.append(f'oifname "lo" {to} meta skuid != {{ {allowed} }} reject with tcp reset')
            elsewhere.append(f'iifname != "lo" ip daddr 127.0.0.0/8 {to} drop')
    one = f"table inet {name}"
    chains = _chain("output", here) + _chain("input", elsewhere)
    return f"{one}\ndelete {one}\n{one} {{\n{chains}}}\n"


def _chain(hook: str, rules: Iterable[str]) -> str:
    lines = "\n".join([f"type filter hook {hook} priority filter; policy accept;", *rules])
    return f"chain {hook} {{\n{lines}\n}}\n"


def apply(text: str) -> None:
    """Puts the table `text` in force. Raises NoRule."""
    done = _nft(["-f", "-"], text)
    if done:
        raise NoRule(done)


def kept_in_force(name: str, file: Path) -> bool:
    """Returns whether the table is in force, after applying it anew from `file` if it is not: whatever loads
    a firewall anew removes all tables."""
    if in_force(name):
        return True
    try:
        apply(file.read_text())
    except (OSError, NoRule):
        return False
    return in_force(name)


def remove(name: str) -> None:
    """Removes the table, if it is there."""
    if in_force(name):
        _nft(["delete", "table", "inet", name])


def in_force(name: str) -> bool:
    """True if the table exists; False if not, or if we may not know."""
    return os.geteuid() == ROOT and not _nft(["list", "table", "inet", name])


def _nft(arguments: list[str], given: str = "") -> str:
    """Runs nft. Returns why it failed; empty if it did not."""
    program = shutil.which("nft", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        return "the program nft (Debian's package nftables) is missing"
    done = subprocess.run([program, *arguments], input=given, capture_output=True, text=True, check=False)
    return done.stderr.strip().partition("\n")[0] or "nft failed" if done.returncode else ""
