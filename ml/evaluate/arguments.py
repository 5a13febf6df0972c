"""The command line of `./vitrine evaluate`. Standard library only: imported before any environment exists."""

import argparse
from pathlib import Path

DETAILS = """\
Trains the three private models, xgboost without privacy and the Laplace baseline on one CSV and tests
them on another.

With --json: {"laboratory": true, "note", "schema", "unit", "train_rows", "test_rows", "results":
[{"model", "private", "epsilon", "roc_auc", "average_precision", "accuracy", "f1", "calibration_error",
"seconds", "statement"}]}. The figures are exact, so they are not private themselves: do not publish them.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `ml.evaluate.command.run` reads; `--json` comes with every command."""
    parser.add_argument(
        "--train", type=Path, required=True, metavar="FILE", help="CSV to learn from (.gz too)"
    )
    parser.add_argument("--test", type=Path, required=True, metavar="FILE", help="CSV to test on (.gz too)")
    parser.add_argument("--target", required=True, metavar="COL", help="the column to predict")
    parser.add_argument(
        "--positive",
        metavar="V",
        help="the target's value that means yes (that of the schema, or any of 1, true, yes)",
    )
    parser.add_argument(
        "--unit", metavar="COL", help="the column with the user of each row; without it every row is a unit"
    )
    parser.add_argument(
        "--most-rows", type=int, default=8, metavar="N", help="with --unit: rows used per unit at most (8)"
    )
    parser.add_argument(
        "--schema",
        metavar="NAME|FILE",
        help="public bounds and categories: online-shoppers, vitrine-session or a JSON file in their format; "
        "without it they are estimated from the data for a fifth of epsilon",
    )
    parser.add_argument(
        "--without", action="append", default=[], metavar="COL", help="leave a column out (may be repeated)"
    )
    parser.add_argument(
        "--epsilon",
        type=float,
        nargs="+",
        required=True,
        metavar="E",
        help="privacy loss; all models are trained for each",
    )
    parser.add_argument(
        "--delta",
        type=float,
        default=1e-5,
        metavar="D",
        help="probability that the privacy loss is larger (1e-5)",
    )
