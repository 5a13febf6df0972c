"""The statement of a model: its privacy guarantee. It is made by the code that adds the noise, and saved with
the model."""

import math
from dataclasses import dataclass

NEIGHBOURS = "add or remove one unit with all of its rows"
"""The neighbouring relation of every statement; guarantees of libraries are converted to it."""

NO_LEDGER = (
    "The run is not charged to a privacy ledger: its privacy loss adds to that of other runs on the same "
    "data, and nothing limits the sum."
)
AUDITED_BY_KIND = (
    "The audit tests the kind of model, not this run: `./vitrine audit` attacks models that this code "
    "trains on made-up users. It detects large faults, such as missing clipping or only a quarter of the "
    "noise. It does not detect smaller faults, or effects of this run's data, and a claim that it does not "
    "refute is not proven."
)
TUNING = (
    "Tuning is not charged: hyper-parameters were chosen on the public UCI Online Shoppers rows, other "
    "public tables and simulated sessions, so the figures on these data are slightly too good."
)
EXACT_METRICS = (
    "The exact metrics published with a model are computed on private rows, so they are not private "
    "themselves."
)

NOT_YET_PROVEN = (NO_LEDGER, AUDITED_BY_KIND, TUNING, EXACT_METRICS)
"""What the statement of a model trained outside the platform does not claim."""
NOT_YET_PROVEN_OF_A_RELEASE = (AUDITED_BY_KIND, TUNING)
"""The same for a model that the platform has charged for and released: its metrics are private too."""


@dataclass(frozen=True)
class Budget:
    """The most that one release may cost."""

    epsilon: float
    delta: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.epsilon) and self.epsilon > 0):
            raise ValueError(f"epsilon is {self.epsilon}; it must be a finite number above 0")
        if not 0 <= self.delta < 1:
            raise ValueError(f"delta is {self.delta}; it must be at least 0 and below 1")


@dataclass(frozen=True)
class Unit:
    """The privacy unit: whose contribution is hidden."""

    name: str
    """What a unit is called: user, session, row."""
    most_rows: int
    """The most rows of a unit that are used, drawn at random; enforced before training."""


@dataclass(frozen=True)
class PrivacyStatement:
    """The guarantee of one trained model."""

    model: str
    private: bool
    epsilon: float | None
    """None if there is no guarantee."""
    delta: float | None
    unit: str
    most_rows_per_unit: int | None
    neighbours: str
    mechanism: str
    composition: str
    public: tuple[str, ...]
    """What is assumed to be known to everyone, and so costs no privacy."""
    real_arithmetic: str
    """How the computation differs from the real numbers of the proof."""
    ledger: str = "None: trained outside the platform and not charged to a privacy budget."
    """The charge that released it, and the budget left."""
    not_yet_proven: tuple[str, ...] = NOT_YET_PROVEN
