"""Arguments of `./vitrine person`. Standard library only."""

import argparse
from pathlib import Path

from streaming.process.arguments import positive

DETAILS = """\
What is kept of one person (art. 15 and 20 GDPR), and erasing it (art. 17). ID is the user id as the shop
sends it. Given as an argument it stays in the shell's history and is seen in lists of processes: with - it is
read from standard input instead.

  status ID         how much every place has of the person, and whether an erasure is recorded
  export ID         everything that is kept, and when it was looked at, as one JSON object on standard
                    output, or with --out in a new file that only you can read
  erase ID          removes it from every place. What came before now goes; what comes later is a new visit
  erase --pending   carries out the erasures that were asked for on Airflow's page

Each writes to the access record first: who, when, why, into which file, and whose by a keyed hash. Reason and
path stay there as you write them: give a file number, no name.

The stack must be up; what was interrupted, and --pending, start it. Erasing writes the request down, by
pseudonym, waits until the gate has decided what was sent so far, and stops the stages and Airflow's
scheduler: for minutes with a million sessions. Then it writes the log anew: of each session only its raw
position, times, feed and what windows sum are left, under another name, so that window totals, recompute
and reconcile hold. Rejected messages of others stay. Raw messages of everybody go, as far as they are
decided. If it is killed, the stages stay stopped: give the same command again. A restored backup has the
person erased again before anything starts. What is sent again after it is a new visit, and window totals
count it twice. An external Flink must answer; a job on another machine's cluster must be cancelled first.

With --json, erase and status print {"places": [{"place", "records", "until_ms", "told"}], "state"}: "records"
is what was removed (status: is there), null where that is not counted; "until_ms" until when a place still
has what was not removed, and "told" what to do about it.

Exits 2 if nothing is known of ID.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine person`."""
    command.add_argument("deed", choices=("status", "export", "erase"))
    command.add_argument("id", metavar="ID", nargs="?", help="the user id; - reads it from standard input")
    command.add_argument("--pending", action="store_true", help="erase those who were asked for on the page")
    command.add_argument(
        "--out", type=Path, metavar="FILE", help="export: write into a new file; no name in its path"
    )
    command.add_argument(
        "--why", metavar="TEXT", help="why you do it, for the access record: a file number, no name"
    )
    command.add_argument(
        "--timeout", type=positive, default=600, metavar="S", help="seconds to wait for the gate (600)"
    )
