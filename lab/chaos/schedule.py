"""Which kill comes when. Pure: the same seed gives the same plan."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from random import Random

from streaming.contract.topology import GATE, INDEX, PYTHON_STAGES, STORE

POINTS: dict[str, tuple[str, ...]] = {
    GATE.name: ("read", "claimed", "written", "flushed", "committed"),
    STORE.name: ("read", "written", "committed"),
    INDEX.name: ("read", "written", "committed"),
}
"""By stage, the named points between two steps at which it can be ended."""

STAGES: dict[str, tuple[str, ...]] = {
    "gate": (GATE.name,),
    "all": tuple(stage.name for stage in PYTHON_STAGES),
}
SERVICES: dict[str, tuple[str, ...]] = {
    "gate": ("redis", "kafka"),
    "all": ("redis", "kafka", "flink-taskmanager"),
}
MOST_PASSINGS = 4
AWAY_RATE = 0.2
# Of every ten kills beyond the mandatory ones: a dead broker stops everything for ten seconds, a dead
# TaskManager for twenty.
SERVICE_SHARE = {"redis": 2, "kafka": 1, "flink-taskmanager": 1}


@dataclass(frozen=True)
class Kill:
    """One SIGKILL."""

    victim: str
    """A stage or a service."""
    at: float
    """The share of all events that are decided when its time has come, from 0 to 1."""
    point: str | None = None
    """The named point a stage is ended at; None for a random moment."""
    passings: int = 1
    """At the how-manieth passing of the point from then on."""
    delay_s: float = 0.0
    """How long after its time a kill at a random moment comes."""
    away: bool = False
    """Whether the instance is started again only at the next kill, after the other one took over."""


def least(through: str) -> int:
    """How few kills hit every point once, every service, and every stage at a random moment."""
    return len(list(_mandatory(through)))


def _mandatory(through: str) -> Iterator[tuple[str, str | None]]:
    for stage in STAGES[through]:
        yield from ((stage, point) for point in POINTS[stage])
        yield stage, None
    yield from ((service, None) for service in SERVICES[through])


def plan(kills: int, seed: int, through: str) -> list[Kill]:
    """`kills` of them, in the order of their time. Raises ValueError if not everything can be hit."""
    if kills < least(through):
        raise ValueError(f"through {through}, {least(through)} kills at least are needed to hit every point")
    rng = Random(seed)
    targets = list(_mandatory(through))
    points = cycle([(stage, point) for stage in STAGES[through] for point in POINTS[stage]])
    services = [service for service in SERVICES[through] for _ in range(SERVICE_SHARE[service])]
    while len(targets) < kills:
        drawn = rng.randrange(10)
        if drawn < len(services):
            targets.append((services[drawn], None))
        elif drawn % 2:
            targets.append(next(points))
        else:
            targets.append((rng.choice(STAGES[through]), None))
    rng.shuffle(targets)
    return [
        Kill(
            victim=victim,
            at=(number + rng.uniform(0, 0.5)) / (kills + 1),
            point=point,
            passings=rng.randint(1, MOST_PASSINGS),
            delay_s=rng.uniform(0, 0.1),
            away=victim in POINTS and rng.random() < AWAY_RATE,
        )
        for number, (victim, point) in enumerate(targets)
    ]


def released(kills_done: int, kills: int, events: int) -> int:
    """How many events may have been sent when so many kills are done: always two rations ahead of the next
    kill's time, so that there is work when it comes."""
    return min(events, events * (kills_done + 2) // (kills + 1))
