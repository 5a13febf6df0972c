"""`./vitrine purge FEED`: stops the stages, removes the feed from log and stores, and starts them again."""

import time
from collections.abc import Callable
from shlex import quote

from stack import interrupted_rewrite, lifecycle, resummarise
from stack.context import this_checkout
from streaming.contract.topology import STAGES
from streaming.kafka.members import require_stopped
from streaming.purge.run import Purged, purge
from streaming.settings import KafkaSettings

NAMES = tuple(stage.name for stage in STAGES)
COMPONENTS = ("kafka", "redis", "mongodb", "elasticsearch")
"""What writing the log anew needs."""
ELSEWHERE_PATIENCE_S = 60.0
"""Longer than the session timeout after which Kafka forgets a stage that was killed."""


def run(feed: str, tell: Callable[[str, str], None]) -> Purged:
    """Returns when the feed is gone and the stages run again. If it fails, the stages stay stopped, and
    calling it again goes on; once the log is touched, nothing else starts them. Raises InvalidRequest if
    stages run on another machine."""
    layout, command = this_checkout().layout, command_for(feed)
    interrupted_rewrite.require_none(layout, but=command)
    resummarise.stop(NAMES, tell)
    tell("purge", "looking for stages that run elsewhere")
    require_stopped(KafkaSettings(), NAMES, time.monotonic() + ELSEWHERE_PATIENCE_S)
    interrupted_rewrite.begin(layout, command, NAMES)
    purged = purge(feed, lambda step: tell("purge", step))
    interrupted_rewrite.end(layout)
    lifecycle.bring_up(NAMES, tell)
    return purged


def command_for(feed: str) -> str:
    """Returns the command that goes on with the purge of `feed`."""
    return f"./vitrine purge {quote(feed)} --yes"


def resume(feed: str, tell: Callable[[str, str], None]) -> None:
    """Starts what an interrupted purge of `feed` needs: after a restart of the machine nothing runs."""
    layout = this_checkout().layout
    if interrupted_rewrite.services(layout):
        interrupted_rewrite.require_none(layout, but=command_for(feed))
        lifecycle.bring_up(COMPONENTS, tell)
