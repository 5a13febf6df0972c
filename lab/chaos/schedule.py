"""Plans when each kill happens. Pure: the same seed returns the same plan."""

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
"""The crash points of each stage, between two of its steps."""

STAGES: dict[str, tuple[str, ...]] = {
    "gate": (GATE.name,),
    "all": tuple(stage.name for stage in PYTHON_STAGES),
}
SERVICES: dict[str, tuple[str, ...]] = {
    "gate": ("redis", "kafka"),
    "all": ("redis", "kafka", "flink-taskmanager"),
}
MOST_PASSINGS = 4
STAYS_DOWN_RATE = 0.2
# Kills of each service in every ten kills beyond the mandatory ones. They are few, because a dead broker
# stops everything for ten seconds, and a dead TaskManager for twenty.
SERVICE_SHARE = {"redis": 2, "kafka": 1, "flink-taskmanager": 1}


@dataclass(frozen=True)
class Kill:
    """One SIGKILL."""

    victim: str
    """A stage or a service."""
    at: float
    """The share of all events that must be decided before the kill, from 0 to 1."""
    point: str | None = None
    """The crash point at which a stage is killed; None for a random moment."""
    passings: int = 1
    """The stage is killed when it has passed the point so many times."""
    delay_s: float = 0.0
    """Delay of a kill at a random moment."""
    stays_down: bool = False
    """True if the instance is restarted only at the next kill, after the other instance took over."""


def least(through: str) -> int:
    """Returns the number of kills needed to hit every crash point once, every service, and every stage at a
    random moment."""
    return len(list(_mandatory(through)))


def _mandatory(through: str) -> Iterator[tuple[str, str | None]]:
    for stage in STAGES[through]:
        yield from ((stage, point) for point in POINTS[stage])
        yield stage, None
    yield from ((service, None) for service in SERVICES[through])


def plan(kills: int, seed: int, through: str) -> list[Kill]:
    """Returns `kills` kills in the order of their time. Raises ValueError if they are too few to hit
    everything."""
    if kills < least(through):
        raise ValueError(f"--through {through} needs at least {least(through)} kills to hit every point")
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
            stays_down=victim in POINTS and rng.random() < STAYS_DOWN_RATE,
        )
        for number, (victim, point) in enumerate(targets)
    ]


def released(kills_done: int, kills: int, events: int) -> int:
    """Returns how many events may be sent after `kills_done` kills: always two rations more than needed for
    the next kill, so that there is load when it happens."""
    return min(events, events * (kills_done + 2) // (kills + 1))
