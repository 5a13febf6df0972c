"""Arguments of `./vitrine distinct`. Standard library only: they are read before any environment exists."""

import argparse

DETAILS = """\
Estimates how many different users had a session between two moments of their own time: standard error .81 %.
Whole days are counted by the day, for ever; what is left at the edges by the hour, as long as hours are kept
(VITRINE_GATE_HOURS_KEPT_MS, 35 days). A period is widened to whole hours, or where those are gone to whole
days, and the answer says to which.

With --json: {"users", "from", "to": what was counted, "cut": {dimension: value} or null, "whole_since": null,
or the moment of arrival before which sessions may not be counted, "standard_error"}.

Counters lost with Redis come back from the log by themselves, as far as the topics reach back
("whole_since"); --recount adds every session that MongoDB has, first.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Beside `--json`, which every command has."""
    command.add_argument(
        "--from", dest="start", required=True, metavar="T", help="an ISO 8601 date or moment, UTC"
    )
    command.add_argument("--to", dest="end", required=True, metavar="T", help="… and before here")
    cut = command.add_mutually_exclusive_group()
    cut.add_argument("--country", metavar="C", help="only sessions from there")
    cut.add_argument("--device", metavar="D", help="only with devices of this type")
    cut.add_argument("--referrer", metavar="R", help="only from this referrer")
    command.add_argument(
        "--recount", action="store_true", help="count the sessions in MongoDB first: slow, and harmless"
    )
