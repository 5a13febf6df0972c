"""
## Differentially private models

Started by each extraction, or triggered by a user. Started by an extraction, it trains if the last models are
old enough (`VITRINE_BUDGET_AUTOMATIC_EVERY_H`) and the privacy budget suffices; if not, the run is skipped.
Triggered by a user, it trains whenever the budget suffices; if it does not, the run fails.

1. **charge** charges the run to the privacy budget of each privacy block that it will read, in one step,
before a row is read (`./vitrine budget`, or the page *Privacy budget*).
2. **within_budget** ends the run here if nothing was charged; its log contains the reason, the budget left
and what to do. It is not retried, because the result would be the same. It also fails if the privacy ledger
is not intact.
3. **train** trains two machine-learning models and one deep model to predict who will buy. Each is
differentially private with the `epsilon` of the run; the privacy unit is one user's sessions of one block.
Sessions whose users have not agreed to training are left out.
The models and their private metrics are published as `models/<run>/` in one step, after the ledger has
recorded which attempt releases them: a retry never releases a second set of models for one charge. What is
not private (exact metrics, counts, the non-private baseline, the Laplace baseline) stays in `trusted/<run>/`,
which only its owner can read.
4. **record** enters them in the model registry, the MongoDB collection `model_runs`, and updates the asset
`private_models`.
"""

from datetime import timedelta
from os import environ
from typing import Any

from airflow.sdk import Asset, Param, dag, task

from streaming import dag_values
from streaming.dag_values import FRAME, TASKS

EXTRACT = Asset(dag_values.EXTRACT)
MODELS = Asset(dag_values.MODELS)


@dag(
    schedule=[EXTRACT],
    **FRAME,
    dagrun_timeout=timedelta(hours=6),
    default_args=TASKS | {"retries": 1, "retry_delay": timedelta(minutes=1)},
    params={
        "epsilon": Param(
            1.0,
            type="number",
            minimum=0.05,
            maximum=16,
            title="ε",
            description="Privacy loss of each model; a lower one is more private and less accurate",
        ),
        "delta": Param(
            1e-5,
            type="number",
            exclusiveMinimum=0,
            maximum=0.001,
            title="δ",
            description="Probability that ε does not hold; choose it far below 1 / number of users",
        ),
        "metrics_epsilon": Param(
            2.0,
            type="number",
            minimum=0.05,
            maximum=16,
            title="ε of the metrics",
            description="Privacy loss of all published figures together, which test users bear",
        ),
        "newest": Param(
            4,
            type="integer",
            minimum=1,
            maximum=52,
            title="Number of blocks",
            description="How many privacy blocks are read at most: the newest with enough budget left",
        ),
        "blocks": Param(
            None,
            type=["null", "array"],
            items={"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"},
            title="These blocks",
            description="Days, one per line, whose blocks are read; if one lacks budget, the run is refused",
        ),
        "laplace": Param(
            True,
            type="boolean",
            title="Laplace baseline",
            description="Also train it; it stays on the trusted side",
        ),
    },
    tags=["vitrine", "models", "privacy"],
    doc_md=__doc__,
)
def private_models() -> None:
    @task
    def require_extract() -> None:
        """Fails without a retry, naming the reason, if nothing has been extracted yet."""
        from airflow.sdk.exceptions import AirflowFailException

        from streaming.extraction import parquet
        from streaming.settings import DataSettings

        if why := parquet.missing(DataSettings().layout.extract):
            raise AirflowFailException(why)

    @task.external_python(python=environ["VITRINE_MAIN_PYTHON"], expect_airflow=False)
    def charge(params_json: str, run_type: str, run_id: str) -> dict[str, Any]:
        """Charges the run. Runs in the environment `main`, where the accountant is installed."""
        import json
        import logging

        from ml.budget.mongo import stored_ledger
        from ml.budget.settings import BudgetSettings
        from ml.release.charging import charge_run
        from ml.release.request import of_run
        from streaming.settings import DataSettings

        logging.basicConfig(level=logging.INFO, format="%(message)s")
        request = of_run(json.loads(params_json), run_id, run_type)
        extract = DataSettings().layout.extract
        return charge_run(request, stored_ledger(), extract, BudgetSettings().automatic_every_h)

    @task
    def within_budget(answer: dict[str, Any]) -> None:
        """Fails or skips if nothing was charged; without a retry, because the result would be the same."""
        from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

        if refused := answer.get("broken") or answer.get("refused"):
            raise AirflowFailException(refused)
        if skipped := answer.get("too_soon") or answer.get("spent"):
            raise AirflowSkipException(skipped)

    @task.external_python(
        python=environ["VITRINE_MAIN_PYTHON"], expect_airflow=False, execution_timeout=timedelta(hours=4)
    )
    def train(params_json: str, run_type: str, run_id: str) -> dict[str, Any]:
        """Trains in the environment `main`. Returns the private metrics only; its log contains no
        exact figures of the data either."""
        import json
        import logging

        from ml.budget.mongo import stored_ledger
        from ml.release.artifact_store import ArtifactStore
        from ml.release.job import run
        from ml.release.request import of_run
        from streaming.settings import ConsentSettings, DataSettings

        logging.basicConfig(level=logging.INFO, format="%(message)s")  # progress, for the task's log
        layout, params = DataSettings().layout, json.loads(params_json)
        request, artifacts = of_run(params, run_id, run_type), ArtifactStore(layout)
        sources = ConsentSettings().sources
        return run(request, stored_ledger(), layout.extract, artifacts, run_id, params, sources)

    @task(outlets=[MODELS])
    def record(metrics: dict[str, Any], params: dict[str, Any], run_id: str, outlet_events: Any) -> None:
        from ml.registry.mongo import stored_registry
        from ml.registry.record import record_release
        from streaming.settings import DataSettings

        entry = record_release(stored_registry(), DataSettings().layout, run_id, params, metrics)
        outlet_events[MODELS].extra = {"name": entry.name, "dag_run_id": run_id}

    # `.value`, because the enumeration itself is rendered as DagRunType.ASSET_TRIGGERED.
    params, run_type = "{{ params | tojson }}", "{{ dag_run.run_type.value }}"
    charged = charge(params, run_type)
    metrics = train(params, run_type)
    require_extract() >> charged
    within_budget(charged) >> metrics
    record(metrics)


private_models()
