"""Arguments that several commands share. Standard library only."""

import argparse
import contextlib
import math


def count(text: str) -> int:
    """Returns the whole number in `text`, at least 0."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def positive(text: str) -> float:
    """Returns the finite number in `text`, above 0."""
    with contextlib.suppress(ValueError):
        if 0 < (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")


def add_patience(command: argparse.ArgumentParser, awaited: str) -> None:
    """Adds `--timeout`: how long to wait for `awaited`."""
    command.add_argument("--timeout", type=positive, default=120, help=f"seconds to wait for {awaited} (120)")


def add_period(command: argparse.ArgumentParser) -> None:
    """Adds `--from` and `--to`: the ends of a period of arrival, as `start` and `end`."""
    command.add_argument(
        "--from", dest="start", metavar="T",
        help="only messages that arrived at T or later: an ISO 8601 date or time, UTC unless it has a zone",
    )  # fmt: skip
    command.add_argument("--to", dest="end", metavar="T", help="… and before T")
