"""The course of a chaos test: releases load, kills one victim after another, and waits for all stages."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from confluent_kafka import KafkaException
from redis import Redis

from lab.chaos.backlog import Backlog
from lab.chaos.cluster import Cluster
from lab.chaos.own_redis import ChaosRedis
from lab.chaos.report import Report
from lab.chaos.schedule import POINTS, STAGES, Kill, released
from lab.chaos.workload import Workload
from stack.layout import Layout
from stack.service import StackError
from stack.supervisor import Supervisor
from streaming.contract import topics
from streaming.contract.topology import FLINK_JOB, GATE, INDEX, STORE
from streaming.kafka import offsets
from streaming.settings import KafkaSettings

LEAST_PENDING = 1_000
MARKERS = 0.1
"""The share of offsets that may be transaction markers rather than messages."""
LOADED_BY = {STORE.name: STORE.name, INDEX.name: INDEX.name, "flink-taskmanager": FLINK_JOB.name}
"""The stage whose unacknowledged messages are the load when this victim is killed; for all others the
gate."""
TICK_S = 0.02
STUCK_S = 300.0
CATCH_UP_S = 600.0
NUDGE_S = 3.0

Tell = Callable[[str, int], None]
"""Called with the current activity and the number of decided events."""


@dataclass
class Nemesis:
    """One run on running services."""

    kafka: KafkaSettings
    layout: Layout
    fleet: Cluster
    redis: ChaosRedis
    feed: Workload
    pending: Backlog
    report: Report
    tell: Tell
    ahead: int = 0
    """Rations released beyond the plan, because a stage was too fast to be killed under load."""

    def begin(self, is_ready: Callable[[], bool], what: str) -> None:
        """Waits until `is_ready` returns true."""
        self.tell(f"waiting for {what}", 0)
        self._until(is_ready, what)

    def run(self, plan: list[Kill], flush: bool) -> None:
        """Carries out all of `plan`, then sends the rest of the events. Raises StackError if a stage is
        stuck."""
        rng = Random(self.report.seed)
        for number, kill in enumerate(plan):
            name = f"{kill.victim}{f' at {kill.point!r}' if kill.point else ''}"
            self._release(number, len(plan))
            goal = kill.at * self.report.events
            self._until(lambda goal=goal: self._decided() >= goal, f"the time of kill {number + 1}")  # type: ignore[misc]
            self.fleet.revive()
            self.tell(f"kill {number + 1} of {len(plan)}: {name}", self._decided())
            self._until(
                lambda kill=kill: self._load(kill.victim) >= _least(kill.victim),  # type: ignore[misc]
                f"{LEAST_PENDING} messages unacknowledged before the kill of {kill.victim}",
                lambda number=number: self._nudge(number, len(plan)),  # type: ignore[misc]
            )
            if flush and number == len(plan) // 2:
                self._flush()
            self._note(kill, self._at_work(kill, rng, lambda number=number: self._nudge(number, len(plan))))  # type: ignore[misc]
            if not kill.stays_down:
                self.fleet.revive()
        self._release(len(plan), len(plan))
        self.feed.release(self.report.events)
        self.feed.finish()
        self.fleet.revive()

    def catch_up(self) -> float:
        """Waits until every stage has processed everything, or adds to the report which one has not. Returns
        the seconds it took."""
        began_s = time.monotonic()
        deadline_s = began_s + CATCH_UP_S
        stages = STAGES[self.report.through]

        def through(is_so: Callable[[], bool], what: str) -> None:
            self.tell(f"waiting for {what}", self._decided())
            while not _answers(is_so):
                self.fleet.keep()
                if time.monotonic() > deadline_s:
                    self.report.void.append(f"{what} did not catch up within {CATCH_UP_S:.0f} s")
                    return
                time.sleep(0.2)

        through(lambda: self.pending.decided() == self.report.events, "the gate")
        for topic in (topics.VALID, topics.REJECTED):
            offsets.wait_visible(self.kafka, topic, deadline_s)
        for stage in (STORE, FLINK_JOB, INDEX) if STORE.name in stages else ():
            through(lambda stage=stage: offsets.lag(self.kafka, stage.group, stage.reads) == 0, stage.name)  # type: ignore[misc]
        self.report.restarts = self.fleet.restarts
        return time.monotonic() - began_s

    def _at_work(self, kill: Kill, rng: Random, nudge: Callable[[], None]) -> int:
        """Kills under load, and returns how many messages were unacknowledged. If a stage had just finished
        nearly all of them, because it is faster than the check, it is killed again: the first kill proves
        nothing."""
        while (pending := self._carry_out(kill, rng, nudge)) < LEAST_PENDING and self._more_to_send():
            self.fleet.revive()
            self._until(
                lambda: self._load(kill.victim) >= _least(kill.victim), "load for another kill", nudge
            )
        return pending

    def _more_to_send(self) -> bool:
        return self.feed.sent < self.report.events

    def _carry_out(self, kill: Kill, rng: Random, nudge: Callable[[], None]) -> int:
        """Kills, and returns how many messages were unacknowledged at that time."""
        if kill.point is not None:
            self.fleet.arm(kill.victim, f"{kill.point} {kill.passings}")
            self._until(lambda: bool(self.fleet.killed(kill.victim)), f"the point {kill.point}", nudge)
            self.fleet.arm(kill.victim, "")
            return self._load(kill.victim)
        time.sleep(kill.delay_s)
        pending = self._load(kill.victim)
        if kill.victim in POINTS:
            self.fleet.kill(kill.victim, rng.choice(sorted(self.fleet.pids(kill.victim))))
        elif kill.victim == "redis":
            self.redis.kill()
            self.redis.start()
        else:
            self._kill_service(kill.victim)
        return pending

    def _kill_service(self, name: str) -> None:
        """Kills a service of the running stack with SIGKILL; returns when its supervisor has restarted it."""
        supervisor = Supervisor(self.layout)
        self._until(lambda: supervisor.processes()[name].state == "RUNNING", f"{name} to run")
        pid = supervisor.processes()[name].pid
        os.kill(pid, signal.SIGKILL)
        self._until(
            lambda: (now := supervisor.processes()[name]).state == "RUNNING" and now.pid != pid,
            f"the supervisor's restart of {name}",
        )
        if name == "kafka":
            self._until(lambda: self.pending.decided() >= 0, "a response of the broker")

    def _flush(self) -> None:
        with Redis.from_url(self.redis.url) as client:
            client.flushall()
        self.report.flushes += 1

    def _note(self, kill: Kill, pending: int) -> None:
        report = self.report
        report.kills += 1
        report.victims[kill.victim] += 1
        if kill.point is not None:
            report.crash_points[f"{kill.victim}.{kill.point}"] += 1
        report.unacknowledged.append(pending)
        if pending < LEAST_PENDING:
            report.void.append(
                f"kill {report.kills}, of {kill.victim}: only {pending} messages unacknowledged"
            )

    def _load(self, victim: str) -> int:
        return self.pending.of(LOADED_BY.get(victim, GATE.name))

    def _decided(self) -> int:
        try:
            return self.pending.decided()
        except KafkaException:
            return 0

    def _release(self, kills_done: int, kills: int) -> None:
        self.feed.release(released(kills_done + self.ahead, kills, self.report.events))

    def _nudge(self, kills_done: int, kills: int) -> None:
        if _answers(lambda: self._load(GATE.name) < LEAST_PENDING):
            self.ahead += 1
            self._release(kills_done, kills)

    def _until(self, is_so: Callable[[], bool], what: str, nudge: Callable[[], None] = lambda: None) -> None:
        """Waits until `is_so`, restarts stages that ended by themselves, and calls `nudge` regularly. While
        the broker is unavailable, `is_so` counts as false. Raises StackError after STUCK_S."""
        began_s = nudged_s = time.monotonic()
        while not _answers(is_so):
            self.fleet.keep()
            now_s = time.monotonic()
            if now_s - began_s > STUCK_S:
                raise StackError(f"the chaos test is stuck: waited {STUCK_S:.0f} s for {what}")
            if now_s - nudged_s > NUDGE_S:
                nudge()
                nudged_s = now_s
            time.sleep(TICK_S)


def _least(victim: str) -> int:
    return round(LEAST_PENDING * (1 + (MARKERS if victim in LOADED_BY else 0)))


def _answers(is_so: Callable[[], bool]) -> bool:
    try:
        return is_so()
    except KafkaException:
        return False
