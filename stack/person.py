"""`./vitrine person erase`: stops the stages, erases persons from log, stores and files, and starts again."""

import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

from stack import interrupted_rewrite, lifecycle, resummarise
from stack.backup import shelf
from stack.backup.manifest import name_of
from stack.backup.save import folder_of
from stack.backup.settings import BackupSettings
from stack.context import this_checkout
from stack.interrupted_rewrite import SCHEDULER
from stack.purge import COMPONENTS, ELSEWHERE_PATIENCE_S
from stack.service import StackContext
from stack.supervisor import ENDED, Supervisor
from streaming.contract import topics
from streaming.contract.topology import GATE, STAGES
from streaming.kafka import offsets
from streaming.kafka.members import require_stopped
from streaming.person import places
from streaming.person.erasure_list import stored_list
from streaming.person.erasures import Amount, Request
from streaming.person.run import erase, require_migrated
from streaming.process.exit_code import InvalidRequest
from streaming.settings import KafkaSettings

Tell = Callable[[str, str], None]
NAMES = tuple(stage.name for stage in STAGES)
COMMAND = "./vitrine person erase --pending"


def run(requests: Collection[Request], ids: Mapping[str, str], timeout_s: float, tell: Tell) -> list[Amount]:
    """Carries out `requests`, all by one rewrite of the log; returns what was removed where, once the stages
    run again. `ids`: the user ids that are known, by pseudonym. If it fails, the stages stay stopped, and
    calling it again goes on. Raises StageBehind if the gate has not decided in time what was sent."""
    place = this_checkout()
    begun = [one for one in requests if one.begun_ms is not None]
    fresh = [one for one in requests if one.begun_ms is None]
    with stored_list().carrying_out():
        interrupted_rewrite.require_none(place.layout, but=COMMAND)
        removed: list[Amount] = []
        if interrupted_rewrite.services(place.layout):
            # First, and by themselves: no stage may see what they have left half written.
            lifecycle.bring_up(COMPONENTS, tell)
            removed += _carry_out(place, begun, ids, tell)
            begun = []
        if begun or fresh:
            lifecycle.bring_up(NAMES, tell)
            require_migrated()
            # So that nothing of theirs is on its way: what is sent from now on is a new visit.
            tell("gate", "decides what was sent so far …")
            moment_ms = wait_decided(KafkaSettings(), timeout_s)
            removed += _carry_out(place, stored_list().begin([*begun, *fresh], moment_ms), ids, tell)
    return [*removed, *backups(place)]


def _carry_out(
    place: StackContext, begun: Collection[Request], ids: Mapping[str, str], tell: Tell
) -> list[Amount]:
    """Erases with the stages stopped, and starts them again."""
    services = _services(place)
    # The scheduler too: a run that has read a person's rows would write its result after this.
    resummarise.stop(services, tell)
    tell("erase", "looking for stages that run elsewhere")
    try:
        require_stopped(KafkaSettings(), NAMES, time.monotonic() + ELSEWHERE_PATIENCE_S)
    except InvalidRequest:
        if not interrupted_rewrite.services(place.layout):
            lifecycle.bring_up(services, tell)  # the log is as it was
        raise
    interrupted_rewrite.begin(place.layout, COMMAND, services)
    removed = erase(begun, ids, lambda step: tell("erase", step))
    stored_list().end(begun, removed)
    interrupted_rewrite.end(place.layout)
    lifecycle.bring_up(services, tell)
    return removed


def wait_decided(settings: KafkaSettings, timeout_s: float) -> int:
    """Waits until the gate has decided every message that was sent so far. Returns the moment of that in ms:
    what arrives later may be decided or not, and is a new visit. Raises StageBehind."""
    moment_ms = time.time_ns() // 1_000_000
    sent = offsets.ends(settings, topics.RAW)
    offsets.wait_past(settings, GATE.group, topics.RAW, sent, time.monotonic() + timeout_s)
    return moment_ms


def backups(place: StackContext, before_ms: int | None = None) -> list[Amount]:
    """Returns what is told of the backups that there are, or of those made before a moment."""
    settings = BackupSettings()
    told = (
        f"goes when {settings.keep} newer ones are there, or stays as the largest; restored, it is erased "
        "from again"
    )
    return [
        Amount(places.BACKUPS, None, told=f"{one.name} still has them, and {told}")
        for one in shelf.complete(folder_of(place, settings))
        if before_ms is None or one.name < name_of(datetime.fromtimestamp(before_ms / 1000, UTC))
    ]


def _services(place: StackContext) -> tuple[str, ...]:
    """Returns what is to be stopped, and started again: also what an interrupted erasure has stopped."""
    scheduler = Supervisor(place.layout).processes().get(SCHEDULER)
    running = scheduler is not None and scheduler.state not in ENDED
    if running or SCHEDULER in interrupted_rewrite.services(place.layout):
        return (*NAMES, SCHEDULER)
    return NAMES
