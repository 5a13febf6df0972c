"""What several commands ask for on their command line. Standard library only."""

import argparse
import contextlib
import math


def count(text: str) -> int:
    """A whole number from 0 on."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no count")
    return int(text)


def positive(text: str) -> float:
    """A finite number above 0."""
    with contextlib.suppress(ValueError):
        if 0 < (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")


def add_patience(command: argparse.ArgumentParser, awaited: str) -> None:
    """`--timeout`: how long to wait for `awaited`."""
    command.add_argument("--timeout", type=positive, default=120, help=f"seconds to wait for {awaited} (120)")


def add_period(command: argparse.ArgumentParser) -> None:
    """A period of arrival: its two ends as `start` and `end`."""
    for name, dest, what in (("--from", "start", "here on"), ("--to", "end", "before here")):
        command.add_argument(
            name,
            dest=dest,
            metavar="T",
            help=f"only what arrived from {what}: an ISO 8601 date or moment, UTC unless it says otherwise"
            if dest == "start"
            else f"… and {what}",
        )
