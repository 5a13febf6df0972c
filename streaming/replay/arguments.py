"""Arguments of `./vitrine rejected` and `./vitrine replay`. Standard library only."""

import argparse
from pathlib import Path

from streaming.process.arguments import add_patience, add_period

REJECTED_DETAILS = """\
Lists position (raw partition:offset), state, reason, arrival and detail of open rejections, never contents.
A rejection is open until the gate accepts a correction of it (./vitrine replay). Duplicates, and messages
without consent, of which nothing is kept and which nothing can correct, are listed only with --reason
duplicate or --reason no_consent.

--out writes the original bytes for correction, as JSON Lines in a file that only you can read; the access
record keeps who did:
  {"position": "0:17", "reason": "…", "detail": "…", "arrivedAtMs": 1, "key": "u1", "value": "…"}
Correct them with jq, for example:
  jq -c '.value |= (fromjson | .deviceType = "desktop" | tojson)' rejected.jsonl > corrected.jsonl

With --json: {"counts": {state: {reason: n}}, "messages": [{"position", "state", "reason", "arrived",
"detail"}]}; with --count only the counts."""

REPLAY_DETAILS = """\
FILE was written by ./vitrine rejected --out, and may have been corrected; `value` may be the message's text
or a JSON object. Only position, key and value are used. Each message is sent with a header that names the one
it corrects: a message that was already sent with the same bytes is not sent again, however often this command
runs, and after the gate has accepted a correction, no other correction of that message is sent. Of a
message without consent nothing was kept: no correction of it is sent, and it counts as not_rejected. The gate
compares a message's event time with the live feed: if it ended long ago it is late and in no window
aggregate, unless you give it a "feed" that VITRINE_GATE_FEEDS names.

What is in FILE of somebody who was erased since (./vitrine person) is not sent; delete the file.

With --json: {"sent", "already_sent", "already_corrected", "not_rejected", "erased", "corrected",
"still_rejected"}. Exits 1 while one of them is still rejected, or was erased."""


def add_rejected(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine rejected`."""
    command.add_argument("--reason", metavar="R", help="only messages rejected for this reason")
    add_period(command)
    command.add_argument("--count", action="store_true", help="only count them, by state and reason")
    command.add_argument("--all", action="store_true", help="list also those that are not open")
    command.add_argument(
        "--out", type=Path, metavar="FILE", help="write them, with their bytes, to a new file"
    )
    command.add_argument("--why", metavar="TEXT", help="why you write them, for the access record")


def add_replay(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine replay`."""
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("file", type=Path, nargs="?", metavar="FILE")
    what.add_argument("--reason", metavar="R", help="all open ones with this reason, unchanged")
    add_patience(command, "the gate's outcomes")
