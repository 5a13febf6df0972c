"""The command line of `./vitrine score`. Standard library only: it is read before any environment exists."""

import argparse

DETAILS = """\
FILE is one session as JSON in the event contract, or JSON Lines of them; - is standard input. The score is
the probability of a purchase by a private model of the registry; the reasons are its SHAP values against
made-up visits. An answer tells of the one person behind the session: it is for the trusted machine, never
for publication. Who asked, when and for which session (by a keyed hash) goes into the access record.

With --json: {"run", "registered": {"at", "digest", "charge", "code"}, "model", "statement", "results":
[{"line", "session", "score", "log_odds", "base", "reasons": [{"feature", "value", "shap", "says"}],
"not_known": [field]} | {"line", "rejected", "detail"}]}.
base and the shap values are log-odds; with all features base and reasons sum to log_odds. not_known names
what the gate would have found out of a raw session. Exits 1 if a line was rejected.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `ml.score.command.run` reads; `--json` comes with every command."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("file", nargs="?", metavar="FILE|-", help="sessions to score")
    source.add_argument("--session", metavar="ID", help="a stored session instead, out of MongoDB")
    parser.add_argument("--run", metavar="RUN", help="whose models: a run of private_models (the newest)")
    parser.add_argument(
        "--model", metavar="NAME", help="boosted_trees (if there), logistic_regression or neural_network"
    )
    parser.add_argument(
        "--reasons", type=int, default=5, metavar="N", help="so many features, the strongest (5)"
    )
    parser.add_argument("--why", metavar="TEXT", help="why you ask, for the access record")
