"""An outage under load: a service is killed, frozen or on a full disk for a while. Measures its effect on the
stages, and how long they need to catch up."""

import os
import signal
import time
from typing import Any

import psutil
from confluent_kafka import KafkaException

from lab.chaos import full_disk
from lab.chaos.nemesis import Nemesis
from lab.chaos.outage_effect import OutageEffect
from lab.chaos.schedule import STAGES
from stack.service import StackError
from stack.supervisor import Supervisor
from streaming.contract.topology import FLINK_JOB, STORE

BEFORE_S = 15.0
SAMPLE_S = 1.0


def run(course: Nemesis, watched: OutageEffect) -> None:
    """Stops the service during a steady stream of events, restores it, and returns when all events are sent.
    Raises StackError if it cannot be stopped or does not come back."""
    course.feed.release(1)
    course.begin(lambda: course.pending.decided() > 0, "the first decision")
    rate_per_s = course.report.events / (BEFORE_S + watched.seconds)
    began_s = time.monotonic()

    def stream(until_s: float, what: str) -> None:
        while (now_s := time.monotonic()) < until_s:
            course.feed.release(round(rate_per_s * (now_s - began_s)))
            course.fleet.keep()
            _sample(course, watched)
            course.tell(what, course.feed.sent)
            time.sleep(SAMPLE_S)

    stream(began_s + BEFORE_S, "load before the outage")
    watched.resident_before = dict(watched.resident_most)
    restore = _stop(course, watched)
    try:
        stream(began_s + BEFORE_S + watched.seconds, f"{watched.service}: {watched.how}")
    finally:
        restore()
    course.feed.release(course.report.events)
    course.feed.finish()


def _stop(course: Nemesis, watched: OutageEffect) -> Any:
    """Kills or freezes the service, or fills its disk; returns a function that restores it."""
    name = watched.service
    if name == "redis":
        if watched.how == "full-disk":
            return course.redis.fill_disk()
        if watched.how == "frozen":
            return _frozen([course.redis.pid])
        course.redis.kill()
        return course.redis.start
    supervisor = Supervisor(course.layout)
    process = supervisor.processes().get(name)
    if process is None or process.state != "RUNNING":
        raise StackError(f"{name} does not run in this stack, so it cannot be stopped")
    if watched.how == "full-disk":
        return full_disk.fill(course.layout.stores / name)
    if watched.how == "frozen":
        return _frozen([process.pid, *(one.pid for one in psutil.Process(process.pid).children(True))])
    os.kill(process.pid, signal.SIGKILL)
    supervisor.stop_all([name])
    return lambda: supervisor.start(name)


def _frozen(pids: list[int]) -> Any:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)

    def thaw() -> None:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    return thaw


def _sample(course: Nemesis, watched: OutageEffect) -> None:
    stages = STAGES[course.report.through]
    for stage in stages:
        for pid in course.fleet.pids(stage).values():
            try:
                resident = psutil.Process(pid).memory_info().rss
            except psutil.NoSuchProcess:
                continue
            watched.resident_most[stage] = max(resident, watched.resident_most.get(stage, 0))
    for stage in (*stages, *((FLINK_JOB.name,) if STORE.name in stages else ())):
        try:
            lag = course.pending.of(stage)
        except KafkaException:
            continue
        watched.lag_most[stage] = max(lag, watched.lag_most.get(stage, 0))
