"""Arguments of `./vitrine retention`. Standard library only."""

import argparse

DETAILS = """\
Deletes what is older than its store keeps (VITRINE_RETENTION_...), as the DAG of the same name does every
night; with --dry-run it only says what is due. Whole months of sessions go at once, by event time; what is
kept of runs goes by its last change. Kafka deletes by itself (VITRINE_KAFKA_RETENTION_MS), and logs of
tasks are deleted by the DAG alone.

With --json: {"dry_run", "topics": {"retention_ms", "oldest_ms"},
"places": [{"place", "days", "before_ms", "amount", "unit", "oldest_ms"}]}: how many days each place keeps (0:
for ever), the time before which everything goes, how much was deleted or is due, and the oldest that is
left.
Exits 2 if settings contradict each other, and deletes nothing then; also if a run before was later than now,
or more than two months ago, or deleted up to a time that has not come yet. Then look at the clock, and if it
is right, say so once with --clock-is-right: boundaries that have not come yet are taken back to the beginning
of this month.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine retention`."""
    command.add_argument("--dry-run", action="store_true", help="only say what is due, and delete nothing")
    command.add_argument(
        "--clock-is-right",
        action="store_true",
        help="delete although an earlier run speaks against the clock; look at the date first",
    )
