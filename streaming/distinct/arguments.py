"""Arguments of `./vitrine distinct`. Standard library only: they are read before any environment exists."""

import argparse

DETAILS = """\
Estimates how many different users had a session whose event time lies in the period; the standard error is
0.81 %. There is a counter for each day, kept for 400 days (VITRINE_GATE_DAYS_KEPT_MS), and one for each hour,
kept for 35 days (VITRINE_GATE_HOURS_KEPT_MS). The period is widened to whole hours, or to whole days where
hours are no longer kept; the output contains the period counted.

Countries, devices and referrers are counted by words on lists: US, us and United States are one country, and
www.google.de is Google. A word on no list counts as other. VITRINE_WORDS_COUNTRIES, VITRINE_WORDS_DEVICES and
VITRINE_WORDS_REFERRERS name further words.

With --json: {"users", "from", "to": the period counted, "cut": {dimension: value} or null,
"whole_since": null, or the arrival time before which sessions may be missing, "days_since": null, or the
time before which the days of the period are no longer counted, "standard_error"}.

If Redis loses its counters, the gate rebuilds them from the log, as far as the topics reach back
("whole_since"); --recount first adds every session in MongoDB, which keeps them for
VITRINE_RETENTION_SESSIONS_DAYS.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine distinct`."""
    command.add_argument(
        "--from", dest="start", required=True, metavar="T",
        help="beginning of the period: an ISO 8601 date or time, UTC",
    )  # fmt: skip
    command.add_argument("--to", dest="end", required=True, metavar="T", help="end of the period (exclusive)")
    breakdown = command.add_mutually_exclusive_group()
    breakdown.add_argument("--country", metavar="C", help="only sessions from this country")
    breakdown.add_argument("--device", metavar="D", help="only sessions with this type of device")
    breakdown.add_argument("--referrer", metavar="R", help="only sessions from this referrer")
    command.add_argument(
        "--recount", action="store_true", help="count the sessions in MongoDB first: slow, but harmless"
    )
