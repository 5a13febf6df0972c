"""
## Models that keep their users' secret

Runs after every extraction. **train** learns who will buy with two machine-learning models and one deep
model, each differentially private at the `epsilon` asked for, the unit being the user, and the best model
without privacy for comparison; with `laplace` also the named baseline, Laplace noise on every numerical
feature. The models and their `metrics.json` stand in `models/<run>/`; **record** puts parameters and metrics
into the MongoDB collection `model_runs` as well, and updates the asset `private_models`.
"""

from datetime import timedelta
from os import environ
from typing import Any

from airflow.sdk import Asset, Param, dag, task

EXTRACT = Asset("sessions_extract")
MODELS = Asset("private_models")


@dag(
    schedule=[EXTRACT],
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=6),
    default_args={
        "owner": "vitrine",
        "retries": 1,
        "retry_delay": timedelta(minutes=1),
        "execution_timeout": timedelta(minutes=10),
    },
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
        "laplace": Param(
            True,
            type="boolean",
            title="Laplace baseline",
            description="Train it too, to be shown beside the others",
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

        folder = DataSettings().data_dir / "extracts" / "sessions"
        if not parquet.extracted(folder):
            raise AirflowFailException("No session has been extracted yet: run extract_sessions first.")

    @task.external_python(
        python=environ["VITRINE_MAIN_PYTHON"], expect_airflow=False, execution_timeout=timedelta(hours=4)
    )
    def train(params_json: str, run_id: str) -> dict[str, Any]:
        """In the models' own environment; returns the metrics, and leaves beside the models who asked for
        them."""
        import json
        import logging

        from ml.run_names import file_name
        from ml.training.job import run
        from streaming.settings import DataSettings

        logging.basicConfig(level=logging.INFO, format="%(message)s")  # progress, for the task's log
        data, name = DataSettings().data_dir, file_name(run_id)
        extracts, out = data / "extracts" / "sessions", data / "models" / name
        metrics = run(str(extracts), str(out), **json.loads(params_json), run_id=name)
        (out / "run.json").write_text(json.dumps({"dag_run_id": run_id, "params": json.loads(params_json)}))
        return metrics

    @task(outlets=[MODELS])
    def record(metrics: dict[str, Any], params: dict[str, Any], run_id: str, outlet_events: Any) -> None:
        from airflow.providers.mongo.hooks.mongo import MongoHook

        from ml.run_names import file_name
        from streaming.settings import MongoSettings

        name = file_name(run_id)
        model_run = {"_id": name, "dag_run_id": run_id, "params": params, "metrics": metrics}
        with MongoHook() as mongo:
            mongo.replace_one("model_runs", model_run, mongo_db=MongoSettings().database, upsert=True)
        outlet_events[MODELS].extra = {"name": name, "dag_run_id": run_id}

    metrics = train("{{ params | tojson }}")
    require_extract() >> metrics
    record(metrics)


private_models()
