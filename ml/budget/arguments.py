"""The command line of `./vitrine budget`. Standard library only: imported before any environment exists."""

import argparse
import math

DETAILS = """\
Shows the privacy budget of each block of time, how much of it is spent and left, and the newest charges. The
privacy unit is one user's sessions of one block.

With --json: {"ledger": "intact" or "new", "dataset", "block_days", "epsilon", "delta", "lifetime":
{"epsilon", "delta", "charges"}, "blocks": [{"from", "to", "epsilon", "delta", "spent", "left", "charges"}],
"charges": [{"key", "at", "blocks": [day], "what", "automatic", "epsilon", "released": digest or null}],
"raises": [{"at", "who", "why", "epsilon", "delta", "block"}], "affordable": number of blocks with enough left
for one more charge like the newest, "acceptances": [{"at", "who", "why", "what", "complete"}],
"lifetime_incomplete": true if charges may have been lost that nothing remembers}. A charge's "epsilon" is
what it costs a block with no other charge.

  ./vitrine budget set --epsilon E [--delta D] [--block DAY] --why "..."

sets the budget of the block that contains DAY, or of all blocks that no run has read yet. Who changed it,
when and why are recorded. The new budget replaces the old one as the guarantee to the users of the block.

If documents of the ledger were deleted, changed or restored from a backup, nothing is charged, and this exits
1 with {"ledger": "shorter", "forged" or "unanchored", "why", "remedy"}.

  ./vitrine budget accept-restored --why "..."

goes on all the same: each block that a lost entry concerned counts as wholly spent; if the outer link itself
is lost, all blocks until now.

  ./vitrine budget adopt --why "..."

begins the chain of a ledger that an earlier version of Vitrine made, as it is.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `ml.budget.command.run` reads; `--json` comes with every command."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("show", "set", "accept-restored", "adopt"),
        default="show",
        help="show (default), set, accept-restored or adopt",
    )
    parser.add_argument("--epsilon", type=_epsilon, metavar="E", help="set: the new epsilon of a block")
    parser.add_argument("--delta", type=_delta, metavar="D", help="set: the new delta (unchanged)")
    parser.add_argument("--block", metavar="DAY", help="set: the block that contains this day (2026-11-24)")
    parser.add_argument("--why", metavar="TEXT", help="the reason, for the record; every action needs one")


def _epsilon(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return value


def _delta(text: str) -> float:
    value = float(text)
    if not 0 < value < 0.1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 0.1")
    return value
