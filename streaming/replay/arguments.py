"""Arguments of the commands that look back into the log. Standard library only."""

import argparse


def add_period(command: argparse.ArgumentParser) -> None:
    """A period of arrival: its two ends as `start` and `end`."""
    for name, dest, what in (("--from", "start", "here on"), ("--to", "end", "before here")):
        command.add_argument(
            name,
            dest=dest,
            metavar="T",
            help=f"only what arrived from {what}: an ISO 8601 date or moment, UTC unless it says otherwise"
            if dest == "start"
            else f"… and {what}",
        )
