"""`./vitrine purge FEED`: stops the stages, removes the feed from log and stores, and starts them again."""

from collections.abc import Callable

from stack import lifecycle, resummarise
from streaming.contract.topology import STAGES
from streaming.purge.run import Purged, purge

NAMES = tuple(stage.name for stage in STAGES)


def run(feed: str, tell: Callable[[str, str], None]) -> Purged:
    """Returns when the feed is gone and the stages run again. If it fails, the stages stay stopped, and
    calling it again goes on."""
    resummarise.stop(NAMES, tell)
    purged = purge(feed, lambda step: tell("purge", step))
    lifecycle.bring_up(NAMES, tell)
    return purged
