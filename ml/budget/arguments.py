"""The command line of `./vitrine budget`. Standard library only: it is read before any environment exists."""

import argparse
import math

DETAILS = """\
Shows, for each block of time, the privacy budget, what is spent of it and what is left, and the newest
charges. The unit is one user's sessions of one block.

With --json: {"dataset", "block_days", "epsilon", "delta", "lifetime": {"epsilon", "delta", "charges"},
"blocks": [{"from", "to", "epsilon", "delta", "spent", "left", "charges"}], "charges": [{"key", "at",
"blocks": [day], "what", "automatic", "epsilon", "released": digest or null}], "raises": [{"at", "who", "why",
"epsilon", "delta", "block"}], "affordable": blocks with enough for one more charge like the newest}. A
charge's "epsilon" is what it costs a block that has paid nothing else.

  ./vitrine budget set --epsilon E [--delta D] [--block DAY] --why "..."

sets the budget of the block that DAY lies in, or of all blocks that no run has touched yet. Who, when and why
are kept. What was promised to the users of a block before is promised no longer: they are now promised the
new budget.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `ml.budget.command.run` reads; `--json` comes with every command."""
    parser.add_argument(
        "action", nargs="?", choices=("show", "set"), default="show", help="show (default) or set"
    )
    parser.add_argument("--epsilon", type=_epsilon, metavar="E", help="set: the new epsilon of a block")
    parser.add_argument("--delta", type=_delta, metavar="D", help="set: the new delta (as it is)")
    parser.add_argument("--block", metavar="DAY", help="set: the block that this day (2026-11-24) lies in")
    parser.add_argument("--why", metavar="TEXT", help="set: the reason, for the record")


def _epsilon(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number above 0")
    return value


def _delta(text: str) -> float:
    value = float(text)
    if not 0 < value < 0.1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 0.1")
    return value
