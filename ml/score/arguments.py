"""The command line of `./vitrine score`. Standard library only: imported before any environment exists."""

import argparse

DETAILS = """\
FILE contains one session as JSON in the event contract, or several as JSON Lines; - is standard input. The
score is the probability of a purchase, predicted by a private model of the registry; the reasons are its SHAP
values against made-up visits. A result reveals information about the person of the session: keep it on the
trusted machine and never publish it. Who has refused personalisation gets no score: in the session itself or,
for a session that the gate has seen, in any other stored one. The
access record keeps who asked, when, and for which session (by a keyed hash).

With --json: {"run", "registered": {"at", "digest", "charge", "code"}, "model", "statement", "results":
[{"line", "session", "score", "log_odds", "base", "reasons": [{"feature", "value", "shap", "says"}],
"not_known": [field]} | {"line", "rejected", "detail"} | {"line", "session", "refused"}]}.
base and the shap values are log-odds; base and the reasons of all features sum to log_odds. not_known lists
fields that a raw session lacks because the gate adds them. Exits 1 if a line was rejected, or refused.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `ml.score.command.run` reads; `--json` comes with every command."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("file", nargs="?", metavar="FILE|-", help="sessions to score")
    source.add_argument("--session", metavar="PSEUDONYM", help="score a stored session from MongoDB instead")
    parser.add_argument("--run", metavar="RUN", help="run of private_models with the models (the newest)")
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="boosted_trees, logistic_regression or neural_network (the first that the run has)",
    )
    parser.add_argument(
        "--reasons", type=int, default=5, metavar="N", help="number of features to show, strongest first (5)"
    )
    parser.add_argument("--why", metavar="TEXT", help="why you ask, for the access record")
