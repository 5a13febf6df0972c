"""The command line of `./vitrine audit`. Standard library only: it is read before any environment exists."""

import argparse

DETAILS = """\
Attacks each private model with canaries: made-up users who are in its training data or not by the toss of
a coin. How often an attacker who sees everything that the model's proof lets out guesses the coins gives a
lower bound on epsilon. A bound above the claim refutes the claim, and the command exits with 1. A bound
below it refutes nothing, and proves nothing: these attacks are strong, not the strongest thinkable.

To refute a claim of epsilon takes about 3 e^epsilon guesses without an error, and a fifth of all canaries
are guessed at: 1,000 canaries can refute a claim of up to 3.5 or so.

With --json: {"holds", "note", "audits": [{"model", "claimed_epsilon", "delta",
"empirical_epsilon_lower_bound", "confidence", "canaries", "guesses", "correct", "method", "holds",
"seconds"}]}.
"""
MODELS = ("boosted_trees", "logistic_regression", "neural_network")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `ml.audit.command.run` reads; `--json` comes with every command."""
    parser.add_argument(
        "--model", nargs="+", choices=MODELS, default=list(MODELS), metavar="NAME", help=" | ".join(MODELS)
    )
    parser.add_argument("--epsilon", type=float, default=1.0, metavar="E", help="what the models claim (1)")
    parser.add_argument("--delta", type=float, default=1e-5, metavar="D", help="probability beyond it (1e-5)")
    parser.add_argument(
        "--canaries", type=int, default=1_000, metavar="M", help="coins of one run of an attack (1000)"
    )
    parser.add_argument(
        "--runs", type=int, default=1, metavar="R", help="attack so often with new canaries, counted together"
    )
    parser.add_argument(
        "--confidence", type=float, default=0.95, metavar="C", help="of each lower bound (0.95)"
    )
