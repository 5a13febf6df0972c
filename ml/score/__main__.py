"""`python -m ml.score`: the same command in the main environment. The Airflow page runs it, after it has
written the entry of the access record under the name of its own user."""

import argparse
import sys

from ml.score.arguments import add_arguments
from ml.score.command import run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="score")
    parser.add_argument("--json", action="store_true")
    add_arguments(parser)
    sys.exit(run(parser.parse_args(), recorded=True))
