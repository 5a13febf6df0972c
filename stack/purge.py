"""`./vitrine purge FEED`: stops the stages, removes the feed from log and stores, and starts them again."""

from collections.abc import Callable
from shlex import quote

from stack import interrupted_rewrite, lifecycle, resummarise
from stack.context import this_checkout
from streaming.contract.topology import STAGES
from streaming.purge.run import Purged, purge

NAMES = tuple(stage.name for stage in STAGES)


def run(feed: str, tell: Callable[[str, str], None]) -> Purged:
    """Returns when the feed is gone and the stages run again. If it fails, the stages stay stopped, and
    calling it again goes on."""
    layout, command = this_checkout().layout, f"./vitrine purge {quote(feed)} --yes"
    interrupted_rewrite.require_none(layout, but=command)
    interrupted_rewrite.begin(layout, command, NAMES)
    resummarise.stop(NAMES, tell)
    purged = purge(feed, lambda step: tell("purge", step))
    interrupted_rewrite.end(layout)
    lifecycle.bring_up(NAMES, tell)
    return purged
