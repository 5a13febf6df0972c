"""`./vitrine torture`: starts what is needed, runs the chaos test, reports, and removes what it made."""

import argparse
import json
import signal
import sys
import time
from contextlib import suppress

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from lab.chaos import checker, outage
from lab.chaos.backlog import Backlog
from lab.chaos.cluster import KEEPER, Cluster
from lab.chaos.generator import events
from lab.chaos.namespace import RunNamespace, logs
from lab.chaos.nemesis import Nemesis
from lab.chaos.outage_effect import OutageEffect
from lab.chaos.own_redis import ChaosRedis
from lab.chaos.report import Report
from lab.chaos.schedule import SERVICES, STAGES, Kill, plan
from lab.chaos.workload import Workload
from stack import lifecycle
from stack.context import this_checkout
from stack.layout import HERE
from stack.progress import Progress as Starting
from stack.service import StackContext, StackError
from stack.supervisor import Supervisor
from streaming.contract.time_units import HOUR_MS
from streaming.kafka.clients import ensure_topics
from streaming.process.exit_code import ExitCode
from streaming.settings import RedisSettings

ON_DISK = ("redis", "kafka", "mongodb", "elasticsearch")
NEEDS = {"gate": ("kafka",), "all": ("kafka", "mongodb", "elasticsearch", "flink-taskmanager")}
BATCHES_A_RATION = 30
SMALL_DISK_MIB = 48
FILTER_CAPACITY = 1_000
"""Small if false positives are forced: the filters then grow, and each layer adds false positives."""


def run(arguments: argparse.Namespace) -> int:
    """Returns an ExitCode: NOT_SO also if the run is void, INVALID_REQUEST if there are too few kills."""
    if arguments.how == "full-disk" and arguments.outage not in ON_DISK:
        print(f"vitrine: --how full-disk is possible for {', '.join(ON_DISK)}", file=sys.stderr)
        return ExitCode.INVALID_REQUEST
    if arguments.outage not in (None, "redis", "kafka"):
        arguments.through = "all"
    try:
        kills = [] if arguments.outage else plan(arguments.kills, arguments.seed, arguments.through)
    except ValueError as error:
        print(f"vitrine: {error}", file=sys.stderr)
        return ExitCode.INVALID_REQUEST
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    was_up = Supervisor(HERE).running()
    try:
        with Starting() as starting:
            lifecycle.bring_up(NEEDS[arguments.through], starting.tell)
        report = torture(this_checkout(), arguments, kills)
    finally:
        if not was_up:
            lifecycle.take_down(this_checkout(), lambda name, state: None)
    if arguments.json:
        print(json.dumps(report.as_json()))
    else:
        report.show(Console())
    return ExitCode.DONE if report.holds else ExitCode.NOT_SO


def torture(place: StackContext, arguments: argparse.Namespace, kills: list[Kill]) -> Report:
    """Runs the chaos test on running services. Raises StackError if it cannot be completed."""
    if external := {*SERVICES[arguments.through], "flink"} & place.external - {"redis"}:
        raise StackError(f"the chaos test does not kill external components: {', '.join(external)}")
    began_s, console = time.monotonic(), Console(stderr=True)
    report = Report(arguments.events, arguments.seed, arguments.through)
    stages = STAGES[arguments.through]
    own = RunNamespace(place)
    ensure_topics(own.kafka)
    redis = ChaosRedis(
        own.folder / "redis",
        SMALL_DISK_MIB if (arguments.outage, arguments.how) == ("redis", "full-disk") else None,
    )
    fleet, pending, feed = None, Backlog(own.kafka), None
    try:
        fleet = Cluster(
            place,
            stages if arguments.through == "gate" else (*stages, KEEPER),
            own.variables() | _stage_variables(arguments, len(kills), redis.url),
            own.folder,
            arguments.plant,
        )
        end_ms = int(time.time() * 1000) // HOUR_MS * HOUR_MS
        feed = Workload(own.kafka, events(arguments.events, arguments.seed, end_ms, own.kafka.partitions))
        with _bar(console) as bar:
            task = bar.add_task("starting", total=arguments.events)
            course = Nemesis(
                own.kafka, place.layout, fleet, redis, feed, pending, report,
                lambda what, decided: _tell(bar, task, what, decided),
            )  # fmt: skip
            if arguments.through == "all":
                course.begin(own.job_runs, "the Flink job")
            if arguments.outage:
                report.outage = OutageEffect(arguments.outage, arguments.seconds, arguments.how)
                outage.run(course, report.outage)
            else:
                course.run(kills, arguments.flush)
            caught_up_s = course.catch_up()
            if report.outage is not None:
                report.outage.caught_up_s = round(caught_up_s, 1)
            bar.update(task, description="comparing with the oracle", completed=arguments.events)
            report.false_positive_rate = checker.false_positive_rate(redis.url)
            checker.judge(own, RedisSettings.model_validate({"url": redis.url}), report)
            report.judged = True
    finally:
        if feed is not None:
            feed.stop()
        if fleet is not None:
            fleet.end()
        keep_logs = not (report.holds or arguments.plant)
        redis.end()
        pending.close()
        with suppress(KeyboardInterrupt):
            own.remove(stores=arguments.through == "all", keep_logs=keep_logs)
        if keep_logs:
            console.print(f"logs of the stages: {', '.join(map(str, logs(own.folder)))}", soft_wrap=True)
    report.seconds = time.monotonic() - began_s
    return report


def _stage_variables(arguments: argparse.Namespace, kills: int, redis_url: str) -> dict[str, str]:
    """Returns settings for small batches and short time-outs, so that kills hit many unfinished batches."""
    ration = arguments.events // (kills + 1)
    batch = max(20, min(500, ration // (BATCHES_A_RATION if arguments.through == "gate" else 10)))
    variables = {
        "VITRINE_REDIS_URL": redis_url,
        "VITRINE_GATE_BATCH_SIZE": str(batch),
        "VITRINE_GATE_SETTLE_MS": "1000",
        "VITRINE_GATE_SESSION_TIMEOUT_MS": "6000",
        "VITRINE_GATE_TRANSACTION_TIMEOUT_MS": "10000",
        "VITRINE_GATE_SESSION_CAPACITY": str(2 * arguments.events),
        "VITRINE_GATE_USER_CAPACITY": str(2 * arguments.events),
        "VITRINE_STORE_BATCH_SIZE": str(batch),
        "VITRINE_STORE_SESSION_TIMEOUT_MS": "6000",
        "VITRINE_INDEX_BATCH_SIZE": str(batch),
        "VITRINE_INDEX_SESSION_TIMEOUT_MS": "6000",
        "VITRINE_FLINK_CHECKPOINT_INTERVAL_MS": "3000",
    }
    if arguments.false_positives:
        for kind in ("SESSION", "USER"):
            variables[f"VITRINE_GATE_{kind}_ERROR_RATE"] = str(arguments.false_positives)
            variables[f"VITRINE_GATE_{kind}_CAPACITY"] = str(FILTER_CAPACITY)
    return variables


def _tell(bar: Progress, task: TaskID, what: str, decided: int) -> None:
    """Updates the bar on a terminal; elsewhere prints a line for each new activity."""
    if not bar.console.is_terminal and bar.tasks[task].description != what:
        print(f"[{bar.tasks[task].elapsed or 0:5.0f} s] {what} ({decided:,} decided)", file=sys.stderr)
    bar.update(task, description=what, completed=decided)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
