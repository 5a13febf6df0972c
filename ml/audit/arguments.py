"""The command line of `./vitrine audit`. Standard library only: imported before any environment exists."""

import argparse

DETAILS = """\
Attacks each private model with canaries: made-up users, each of whom is in the training data with probability
1/2. The attacker sees everything that the model's proof treats as released, and guesses which canaries were
in. The share of correct guesses gives a lower bound on epsilon. A bound above the model's claim refutes the
claim, and the command exits with 1. A bound below it proves nothing: stronger attacks may exist.

To refute a claim of epsilon takes about 3 e^epsilon guesses without an error, and the attacker guesses on a
fifth of all canaries: 1,000 canaries can refute a claim of up to about 3.5.

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
    parser.add_argument(
        "--epsilon", type=float, default=1.0, metavar="E", help="epsilon that the models claim (1)"
    )
    parser.add_argument("--delta", type=float, default=1e-5, metavar="D", help="delta that they claim (1e-5)")
    parser.add_argument(
        "--canaries", type=int, default=1_000, metavar="M", help="canaries of one run of an attack (1000)"
    )
    parser.add_argument(
        "--runs",
        type=int,
        default=1,
        metavar="R",
        help="runs of each attack with new canaries; one bound from all of them (1)",
    )
    parser.add_argument(
        "--confidence", type=float, default=0.95, metavar="C", help="confidence of each lower bound (0.95)"
    )
