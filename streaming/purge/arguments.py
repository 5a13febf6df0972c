"""Arguments of `./vitrine purge`. Standard library only."""

import argparse

DETAILS = """\
Removes every session of a feed that has arrived (`live`, the name of an import, or one of
VITRINE_GATE_FEEDS), as if it had never come: from MongoDB, Elasticsearch, extracts and window totals, and
from the topics, so that no replay brings it back. For example `./vitrine purge live`, after a demo and before
real sessions come.

Without --yes it only says how many sessions there are. With it, the stages stop, and start again at the end.
A purge that was interrupted goes on when the same command is given again, and no stage starts before: it
would count twice what the log has twice then. Stages on other machines must be stopped there. What goes with
it: raw and rejected messages of all feeds that the gate has decided; claims in Redis, so that a purged
session may come again; extracts, which the next extraction writes anew from what is left. What stays:
released models and reports, the privacy ledger, and window totals older than MongoDB keeps sessions.
Afterwards `./vitrine distinct --recount` counts distinct users from what is left.

With --json: {"feed", "sessions": removed from MongoDB, "documents": removed from Elasticsearch, "windows":
totals counted anew, "extracts": files removed, "left": valid sessions of other feeds in the log, "done"}.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine purge`."""
    command.add_argument("feed", metavar="FEED", help="the feed to remove")
    command.add_argument("--yes", action="store_true", help="remove it; without this, only count")
