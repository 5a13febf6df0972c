"""`./vitrine sentiment FILE`: the sentiment of texts, one a line, by the code that the Flink job runs."""

import json
import sys
from pathlib import Path

from streaming.summaries.sentiment import classify


def run(path: Path, as_json: bool) -> int:
    """Prints [{"sentiment", "score"}], one for each line of `path` (UTF-8), or a line each without `as_json`.
    Returns 2 if the file cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        print(f"cannot read {path}: {error}", file=sys.stderr)
        return 2
    if lines[-1] == "":
        lines.pop()
    judged = [classify(line) for line in lines]
    if as_json:
        print(json.dumps([{"sentiment": sentiment, "score": score} for sentiment, score in judged]))
    else:
        for sentiment, score in judged:
            print(f"{sentiment}\t{score}")
    return 0
