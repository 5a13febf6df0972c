"""Arguments of `./vitrine ingest`. Standard library only."""

import argparse
from pathlib import Path

DETAILS = """\
FILE is JSON Lines of session messages, or the CSV of a REES46 shop export; plain or gzip. Fields
that the file lacks can be set (--set deviceType=desktop --set referrer=Direct). The gate rejects
sessions whose device or referrer stays unknown.

With --json: {"events", "sessions", "accepted", "rejected": {reason: n}}."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine ingest`."""
    command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", type=_assignment, dest="assigned",
        help="value of a field that the file lacks; may be repeated",
    )  # fmt: skip


def _assignment(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return name, value
