"""Arguments of `./vitrine reconcile` and `./vitrine recompute`. Standard library only."""

import argparse

from streaming.process.arguments import add_patience, add_period

RECONCILE_DETAILS = """\
Checks everything that the topics still contain, or what arrived from --from to before --to.
Exits 1 if any message or document is missing, is there though it should not be, or has another
content than it should, and names the first session concerned in raw order; exits 3 if a stage is
behind or a component unavailable.

With --json: {"holds", "sent", "valid", "duplicate", "rejected": {reason: n}, "late",
"partitions": {raw partition: {"from", "to", "sent", "valid", "duplicate", "rejected", "late"}},
"stages": {stage: {topic: {partition: offset up to which it has read}}},
"corrections": {"corrected", "rejected_again", "open": {reason: n}}, "mongodb",
"elasticsearch": {index: n}, "digests": {store: digest of its ids and contents, in any order},
"distinct_users": {"exact", "estimate"}, "erased": sessions of which only what windows sum is left,
"older_than_log",
"expired": {"before_ms": {store: event time}, "sessions", "documents": {store: n}}: older than what
retention keeps, and not compared, "other_model", "left_out", "breaks_in_all",
"breaks": [{"where", "what", "session", "document", "raw"}]}."""

RECOMPUTE_DETAILS = """\
With --json: {"holds", "sessions", "erased", "windows", "left_out", "expired", "breaks_in_all",
"breaks": [{"where", "what", "document"}]}. Exits 1 if a window differs."""


def add_reconcile(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine reconcile`."""
    add_period(command)
    add_patience(command, "the stages to catch up")


def add_recompute(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine recompute`."""
    add_patience(command, "the stages to catch up")
