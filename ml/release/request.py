"""What a run is asked for, and the charge that it requests in turn. Pure."""

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
"""So many sessions of a user within a block are learned from at most."""


class TrainingRequest(Struct, frozen=True):
    """A run of `private_models` and its parameters."""

    name: str
    """Of the run, fit for files: ml.run_names.file_name."""
    epsilon: float = 1.0
    """Of each model, with `delta`."""
    delta: float = 1e-5
    metrics_epsilon: float = 2.0
    """Of all published figures together. Test users pay for these and for nothing else, so that up to what
    the models cost they are free."""
    newest: int = 4
    """So many blocks are read at most, the newest that have enough left."""
    blocks: tuple[str, ...] = ()
    """Days (ISO 8601) whose blocks are to be read, all of them and no others."""
    laplace: bool = True
    automatic: bool = False
    """Woken by an extraction rather than asked for by a person."""

    @property
    def key(self) -> str:
        """Of the charge: the same for each retry of this run, another for anything else."""
        content = msgspec.json.encode([self, [kind.name for kind in model_store.PRIVATE]])
        return f"{self.name}.{hashlib.sha256(content).hexdigest()[:12]}"

    @property
    def budget(self) -> Budget:
        return Budget(float(self.epsilon), float(self.delta))

    @property
    def metrics_budget(self) -> Budget:
        return Budget(float(self.metrics_epsilon), float(self.delta))

    def plan(self) -> TrainingPlan:
        """What its mechanisms cost one unit."""
        return plan(self.budget, self.metrics_budget, Unit("user", MOST_SESSIONS))


def of_run(params: Mapping[str, Any], dag_run_id: str, run_type: str) -> TrainingRequest:
    """From a DAG run of `private_models`: its parameters, its id and its type, one of RunType. Raises
    ValueError for another type."""
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
    """The charge that `training` needs. Raises ValueError where a block is named that cannot be."""
    if training.newest < 1:
        raise ValueError("at least one block must be read")
    named = {times.beginning_at(day, account.block_ms) for day in training.blocks}
    if missing := named - set(available.blocks):
        raise ValueError(
            f"no session is extracted of {times.all_told(sorted(missing), account.block_ms)}; there are "
            f"{times.all_told(available.blocks, account.block_ms) or 'none'}"
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
