"""Arguments of `./vitrine simulate`. Standard library only."""

import argparse

from streaming.process.arguments import count, positive

DETAILS = """\
Without --rate the sessions end within the last 24 hours, but not before those of the last run.

With --json: {"sent", "valid", "late", "unknown_device", "unknown_referrer", "broken", "no_consent",
"duplicate"}."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine simulate`."""
    command.add_argument("--sessions", type=count, default=1_000, help="how many (1000)")
    command.add_argument("--seed", type=int, default=1, help="the same seed gives the same people (1)")
    command.add_argument("--rate", type=positive, default=None, help="sessions per second (no limit)")
