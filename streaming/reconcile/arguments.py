"""Arguments of `./vitrine reconcile` and `./vitrine recompute`. Standard library only."""

import argparse

from streaming.process.arguments import add_patience, add_period

RECONCILE_DETAILS = """\
Judges all that the topics still hold, or what arrived in --from to before --to. Exits 1, naming
the session that breaks it first in raw order, if one message or document is too many or too few,
or another than it must be, anywhere; 3 if a stage is behind or a component away.

With --json: {"holds", "sent", "valid", "duplicate", "rejected": {reason: n}, "late",
"partitions": {raw partition: {"from", "to", "sent", "valid", "duplicate", "rejected", "late"}},
"stages": {stage: {topic: {partition: offset read up to}}},
"corrections": {"corrected", "rejected_again", "open": {reason: n}}, "mongodb",
"elasticsearch": {index: n}, "digests": {store: of its ids and contents, in any order},
"distinct_users": {"exact", "estimate"}, "older_than_log", "other_model", "left_out",
"breaks_in_all", "breaks": [{"where", "what", "session", "document", "raw"}]}."""

RECOMPUTE_DETAILS = """\
With --json: {"holds", "sessions", "windows", "left_out", "breaks_in_all",
"breaks": [{"where", "what", "document"}]}. Exits 1 if a window differs."""


def add_reconcile(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine reconcile`."""
    add_period(command)
    add_patience(command, "the stages to catch up")


def add_recompute(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine recompute`."""
    add_patience(command, "the stages to catch up")
