"""Arguments of `./vitrine words`. Standard library only: they are read before any environment exists."""

import argparse

DETAILS = """\
Countries, devices, referrers, operating systems, browsers, genders and payment methods are counted by words
on lists; what is on none counts as other, in the dashboards and in ./vitrine distinct. This command reads the
sessions in MongoDB, which keep what was sent, and lists the most frequent words on no list.

To count one by name, add it to the setting that is shown, then make the documents anew:

  VITRINE_WORDS_PAYMENTS='{"points": ["bonus points"]}' ./vitrine up
  ./vitrine resummarise

Each word of the setting has a list of others that mean the same, which may be empty. Later starts need the
setting too. Counters of distinct users count it from then on, earlier sessions after distinct --recount.

With --json: {"sessions", "fields": {field: {"other": sessions whose word is on no list, "setting",
"too_low_by": what the counts may be too low by, "words": [{"word", "sessions"}]}}}.
"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `./vitrine words`."""
    command.add_argument(
        "--most", type=int, default=10, metavar="N", help="so many words of each field at most (10)"
    )
    command.add_argument(
        "--least", type=int, default=5, metavar="N",
        help="only words of at least so many sessions (5): a rare one may tell who somebody is",
    )  # fmt: skip
