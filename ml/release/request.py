"""The request for a training, and the charge that it needs. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ml.budget import blocks as times
from ml.budget.account import Account, Request
from ml.models import model_store
from ml.privacy.statement import Budget, Unit
from ml.release.plan import TrainingPlan, plan
from ml.release.run_type import RunType
from ml.release.scope import AvailableBlocks
from ml.run_names import file_name

MOST_SESSIONS = 8
"""The most sessions of a user within a block that are used for training."""


class TrainingRequest(Struct, frozen=True):
    """A run of `private_models` and its parameters."""

    name: str
    """The run's name as a file name, by ml.run_names.file_name."""
    epsilon: float = 1.0
    """Of each model, with `delta`."""
    delta: float = 1e-5
    metrics_epsilon: float = 2.0
    """Of all published figures together. Only test users pay for these, and they pay for nothing else, so
    figures that cost no more than the models do not raise the cost of a run."""
    newest: int = 4
    """The most blocks to read: the newest that have enough budget left."""
    blocks: tuple[str, ...] = ()
    """Days (ISO 8601). If given, exactly the blocks that contain them are read."""
    laplace: bool = True
    """True to train the Laplace baseline too."""
    automatic: bool = False
    """True if an extraction started the run, false if a person did."""

    @property
    def key(self) -> str:
        """The key of the charge: the same for each retry of this run, different for every other request."""
        content = msgspec.json.encode([self, [kind.name for kind in model_store.PRIVATE]])
        return f"{self.name}.{hashlib.sha256(content).hexdigest()[:12]}"

    @property
    def budget(self) -> Budget:
        return Budget(float(self.epsilon), float(self.delta))

    @property
    def metrics_budget(self) -> Budget:
        return Budget(float(self.metrics_epsilon), float(self.delta))

    def plan(self) -> TrainingPlan:
        """Returns what the run's mechanisms cost one unit."""
        return plan(self.budget, self.metrics_budget, Unit("user", MOST_SESSIONS))


def of_run(params: Mapping[str, Any], dag_run_id: str, run_type: str) -> TrainingRequest:
    """Returns the request of a DAG run of `private_models`, from its parameters, its id and its type, one of
    RunType. Raises ValueError for another type."""
    given = {name: value for name, value in params.items() if name != "blocks"}
    return TrainingRequest(
        name=file_name(dag_run_id),
        blocks=tuple(params["blocks"] or ()),
        automatic=RunType(run_type).automatic,
        **given,
    )


def charge_request(
    training: TrainingRequest, account: Account, available: AvailableBlocks, now: str
) -> Request:
    """Returns the request for the charge that `training` needs. Raises ValueError if a requested block has no
    sessions."""
    if training.newest < 1:
        raise ValueError("at least one block must be read")
    named = {times.beginning_at(day, account.block_ms) for day in training.blocks}
    if missing := named - set(available.blocks):
        raise ValueError(
            f"no sessions were extracted for {times.describe_all(sorted(missing), account.block_ms)}; there "
            f"are sessions for {times.describe_all(available.blocks, account.block_ms) or 'no block'}"
        )
    candidates = tuple(sorted(named, reverse=True)) or tuple(available.blocks)
    at_most = len(candidates) if named else training.newest
    return Request(
        key=training.key,
        candidates=candidates,
        at_most=at_most,
        all_or_nothing=bool(named),
        until_ms=available.until_ms,
        costs=training.plan().costs(min(at_most, max(1, len(candidates)))),
        what=f"{len(model_store.PRIVATE)} models at ({training.epsilon:g}, {training.delta:g}) each, "
        f"their figures at ({training.metrics_epsilon:g}, {training.delta:g})",
        at=now,
        automatic=training.automatic,
    )
