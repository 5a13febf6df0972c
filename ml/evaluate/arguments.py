"""The command line of `./vitrine evaluate`. Standard library only: it is read before any environment
exists."""

import argparse
from pathlib import Path

DETAILS = """\
Trains the three private models, xgboost without privacy and the Laplace baseline on one CSV and tests
them on another.

With --json: {"laboratory": true, "note", "schema", "unit", "train_rows", "test_rows", "results":
[{"model", "private", "epsilon", "roc_auc", "average_precision", "accuracy", "f1", "calibration_error",
"seconds", "statement"}]}. The figures are exact and so not themselves private: for the laboratory, not
for release.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `ml.evaluate.command.run` reads; `--json` comes with every command."""
    parser.add_argument(
        "--train", type=Path, required=True, metavar="FILE", help="CSV to learn from (.gz too)"
    )
    parser.add_argument("--test", type=Path, required=True, metavar="FILE", help="CSV to test on (.gz too)")
    parser.add_argument("--target", required=True, metavar="COL", help="the column to predict")
    parser.add_argument(
        "--positive", metavar="V", help="its value that counts as yes (that of the schema, or 1, true, yes)"
    )
    parser.add_argument(
        "--unit", metavar="COL", help="the column that says whose a row is; without it every row is a unit"
    )
    parser.add_argument(
        "--most-rows", type=int, default=8, metavar="N", help="rows used of one unit at most, with --unit (8)"
    )
    parser.add_argument(
        "--schema",
        metavar="NAME|FILE",
        help="public bounds and categories: online-shoppers, vitrine-session or a JSON file like theirs; "
        "without it a fifth of epsilon is spent on finding them",
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
        help="privacy loss: one table for each",
    )
    parser.add_argument("--delta", type=float, default=1e-5, metavar="D", help="probability beyond it (1e-5)")
