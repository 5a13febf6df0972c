"""
## Models that keep their users' secret

Woken by each extraction, or triggered by you. Woken, it trains if the last models are old enough
(`VITRINE_BUDGET_AUTOMATIC_EVERY_H`) and the privacy budget can pay; if not, it ends as skipped. Triggered, it
trains whenever the budget can pay; if it cannot, the run fails.

1. **charge** charges the run to the privacy budget of each block of time that it will read, in one step,
before a row is read (`./vitrine budget`, or the page *Privacy budget*).
2. **within_budget** ends the run here if nothing was charged; its log says why, what is left and how to go
on. It is not tried again, for the answer would be the same.
3. **train** learns who will buy with two machine-learning models and one deep model, each differentially
private at the `epsilon` asked for, the unit being one user's sessions of one block. They and their private
metrics come out as `models/<run>/` in one step, once the ledger knows which attempt it is: a retry never
releases a second set of models for one charge. What is not private (exact metrics, counts, the best model
without privacy, the Laplace baseline) stays in `trusted/<run>/`, readable by its owner alone.
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
            description="Privacy loss of each model; less is more private and less exact",
        ),
        "delta": Param(
            1e-5,
            type="number",
            exclusiveMinimum=0,
            maximum=0.001,
            title="δ",
            description="Probability that ε does not hold; far below one over the number of users",
        ),
        "metrics_epsilon": Param(
            2.0,
            type="number",
            minimum=0.05,
            maximum=16,
            title="ε of the metrics",
            description="Of all published figures together. Test users pay for nothing else",
        ),
        "newest": Param(
            4,
            type="integer",
            minimum=1,
            maximum=52,
            title="Blocks of time",
            description="So many are read at most: the newest that have enough budget left",
        ),
        "blocks": Param(
            None,
            type=["null", "array"],
            items={"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"},
            title="These blocks",
            description="Days, one a line, whose blocks are read, all of them or the run is refused",
        ),
        "laplace": Param(
            True,
            type="boolean",
            title="Laplace baseline",
            description="Train it too, for the trusted side",
        ),
    },
    tags=["vitrine", "models", "privacy"],
    doc_md=__doc__,
)
def private_models() -> None:
    @task
    def require_extract() -> None:
        """Fails at once, and says why, where nothing has been extracted yet."""
        from airflow.sdk.exceptions import AirflowFailException

        from streaming.extraction import parquet
        from streaming.settings import DataSettings

        if why := parquet.missing(DataSettings().layout.extract):
            raise AirflowFailException(why)

    @task.external_python(python=environ["VITRINE_MAIN_PYTHON"], expect_airflow=False)
    def charge(params_json: str, run_type: str, run_id: str) -> dict[str, Any]:
        """In the models' own environment, which has the accountant."""
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
        """Fails or skips where nothing was charged: without a retry, for the answer would be the same."""
        from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

        if refused := answer.get("refused"):
            raise AirflowFailException(refused)
        if skipped := answer.get("too_soon") or answer.get("spent"):
            raise AirflowSkipException(skipped)

    @task.external_python(
        python=environ["VITRINE_MAIN_PYTHON"], expect_airflow=False, execution_timeout=timedelta(hours=4)
    )
    def train(params_json: str, run_type: str, run_id: str) -> dict[str, Any]:
        """In the models' own environment. Returns the metrics, all of them private; its log holds no figure
        of the data either."""
        import json
        import logging

        from ml.budget.mongo import stored_ledger
        from ml.release.artifact_store import ArtifactStore
        from ml.release.job import run
        from ml.release.request import of_run
        from streaming.settings import DataSettings

        logging.basicConfig(level=logging.INFO, format="%(message)s")  # progress, for the task's log
        layout, params = DataSettings().layout, json.loads(params_json)
        request, artifacts = of_run(params, run_id, run_type), ArtifactStore(layout)
        return run(request, stored_ledger(), layout.extract, artifacts, run_id, params)

    @task(outlets=[MODELS])
    def record(metrics: dict[str, Any], params: dict[str, Any], run_id: str, outlet_events: Any) -> None:
        from ml.registry.mongo import stored_registry
        from ml.registry.record import record_release
        from streaming.settings import DataSettings

        entry = record_release(stored_registry(), DataSettings().layout, run_id, params, metrics)
        outlet_events[MODELS].extra = {"name": entry.name, "dag_run_id": run_id}

    # The value: the enumeration itself is rendered as DagRunType.ASSET_TRIGGERED.
    params, run_type = "{{ params | tojson }}", "{{ dag_run.run_type.value }}"
    charged = charge(params, run_type)
    metrics = train(params, run_type)
    require_extract() >> charged
    within_budget(charged) >> metrics
    record(metrics)


private_models()
