"""`python -m ml.score`: the same command in the models' environment, as the Airflow page asks for it, which
has made the entry in the access record under the name of its own user."""

import argparse
import sys

from ml.score.arguments import add_arguments
from ml.score.command import run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="score")
    parser.add_argument("--json", action="store_true")
    add_arguments(parser)
    sys.exit(run(parser.parse_args(), recorded=True))
