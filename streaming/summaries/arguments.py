"""Arguments of `./vitrine sentiment`. Standard library only."""

import argparse
from pathlib import Path

DETAILS = """\
With --json: [{"sentiment", "score"}], one per line; the score is from -1 to 1."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine sentiment`."""
    command.add_argument("file", type=Path, metavar="FILE", help="texts in UTF-8, one per line")
