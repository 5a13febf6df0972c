"""`python -m ml.score`: the same command in the main environment; the Airflow page runs it."""

import argparse
import sys

from ml.score.arguments import add_arguments
from ml.score.command import run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="score")
    parser.add_argument("--json", action="store_true")
    add_arguments(parser)
    sys.exit(run(parser.parse_args()))
