"""Arguments of the commands that look back into the log. Standard library only."""

import argparse
from pathlib import Path

from streaming.process.arguments import add_patience, add_period

REJECTED_DETAILS = """\
Lists position (raw partition:offset), state, reason, arrival and detail of the open ones, never contents. A
rejection is open until a correction of it (./vitrine replay) was let through. Duplicates are listed with
--reason duplicate alone.

--out writes the original bytes, to be corrected there, as JSON Lines that you alone can read:
  {"position": "0:17", "reason": "…", "detail": "…", "arrivedAtMs": 1, "key": "u1", "value": "…"}
and jq corrects, for example:
  jq -c '.value |= (fromjson | .deviceType = "desktop" | tojson)' rejected.jsonl > corrected.jsonl

With --json: {"counts": {state: {reason: n}}, "messages": [{"position", "state", "reason", "arrived",
"detail"}]}; with --count only the counts."""

REPLAY_DETAILS = """\
FILE is what ./vitrine rejected --out wrote, corrected or not; `value` may be the message's text or a JSON
object. Only position and value are read. A message goes with a header that names the one it corrects: what
was sent already with the same bytes is not sent again, however often this is run, and once a correction was
let through, another one of the same message is refused. It is judged by when it arrives: far behind the
live feed it is late, so give it a "feed" of its own if it shall count in its hour's figures.

With --json: {"sent", "already_sent", "already_corrected", "not_rejected", "corrected", "still_rejected"}.
Exits 1 while one of them is still rejected."""


def add_rejected(command: argparse.ArgumentParser) -> None:
    """Of `./vitrine rejected`."""
    command.add_argument("--reason", metavar="R", help="only those rejected for this reason")
    add_period(command)
    command.add_argument("--count", action="store_true", help="only count them, by state and reason")
    command.add_argument("--all", action="store_true", help="list the others beside the open ones too")
    command.add_argument(
        "--out", type=Path, metavar="FILE", help="write those listed, with their bytes, to a new file"
    )


def add_replay(command: argparse.ArgumentParser) -> None:
    """Of `./vitrine replay`."""
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("file", type=Path, nargs="?", metavar="FILE")
    what.add_argument("--reason", metavar="R", help="all open ones rejected for this reason, as they are")
    add_patience(command, "the gate's verdicts")
