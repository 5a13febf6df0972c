"""What a model promises, and on what terms. It is made where the noise is added and saved with the model."""

import math
from dataclasses import dataclass

NEIGHBOURS = "add or remove one unit with all of its rows"
"""The one relation of every statement; whatever a library proves is converted to it."""

NO_LEDGER = (
    "No ledger charges this run: its privacy loss adds to that of other runs on the same data, and nothing "
    "limits the sum."
)
AUDITED_BY_KIND = (
    "Audited by kind, not by run: `./vitrine audit` attacks models of this code on made-up users and refutes "
    "faults as large as no clipping or a quarter of the noise; smaller ones, and what is special in this "
    "run's data, it would not see. What it does not refute is not thereby proven."
)
TUNING = (
    "Tuning is not charged: hyper-parameters were chosen on the public UCI Online Shoppers rows, other "
    "public tables and simulated sessions, so figures on those flatter a little."
)
EXACT_METRICS = (
    "The exact metrics beside a model are computed on private rows and are not themselves private."
)

NOT_YET_PROVEN = (NO_LEDGER, AUDITED_BY_KIND, TUNING, EXACT_METRICS)
"""What the statement of a laboratory's model must not be read to claim."""
NOT_YET_PROVEN_OF_A_RELEASE = (AUDITED_BY_KIND, TUNING)
"""Of a model that the platform has paid for and released: its metrics are private too."""


@dataclass(frozen=True)
class Budget:
    """What one release may cost."""

    epsilon: float
    delta: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.epsilon) and self.epsilon > 0):
            raise ValueError(f"epsilon is {self.epsilon}; a finite number above 0 is wanted")
        if not 0 <= self.delta < 1:
            raise ValueError(f"delta is {self.delta}; at least 0 and below 1 is wanted")


@dataclass(frozen=True)
class Unit:
    """Whose contribution is hidden."""

    name: str
    """What a unit is called: user, session, row."""
    most_rows: int
    """So many rows of a unit are used at most, drawn at random; enforced before training."""


@dataclass(frozen=True)
class PrivacyStatement:
    """The guarantee of one trained model."""

    model: str
    private: bool
    epsilon: float | None
    """None where there is no such guarantee."""
    delta: float | None
    unit: str
    most_rows_per_unit: int | None
    neighbours: str
    mechanism: str
    composition: str
    public: tuple[str, ...]
    """What is taken as known to everyone, and so costs nothing."""
    real_arithmetic: str
    """Where the proof holds for real numbers and the computer has others."""
    ledger: str = "None: trained in the laboratory, charged to no budget."
    """Which charge released it, and what that left."""
    not_yet_proven: tuple[str, ...] = NOT_YET_PROVEN
