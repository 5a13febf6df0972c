"""
## What drives a purchase

Runs whenever models have been trained. **explain** writes one self-contained page with plots for each run of
`private_models`: which features drive each model (SHAP values), a comparison of the models, and the price of
privacy. The page is `reports/<run>.html`; the 'Reports' entry in the menu and a tab on the run show it.

Triggered by hand, it explains the models named by `models`, or else the newest.
"""

from datetime import timedelta
from os import environ
from typing import Any

from airflow.sdk import Asset, Param, dag, task

from streaming import dag_values
from streaming.dag_values import FRAME, TASKS

MODELS = Asset(dag_values.MODELS)
REPORTS = Asset(dag_values.REPORTS)


@dag(
    schedule=[MODELS],
    **FRAME,
    dagrun_timeout=timedelta(hours=3),
    default_args=TASKS,
    params={
        "models": Param(
            None,
            type=["null", "string"],
            pattern="^[A-Za-z0-9_-][A-Za-z0-9._-]*$",
            title="Models",
            description="A folder in models/, named after the run of private_models; empty: the newest",
        )
    },
    tags=["vitrine", "models", "reports"],
    doc_md=__doc__,
)
def shap_reports() -> None:
    @task
    def choose(params: dict[str, Any], triggering_asset_events: Any) -> list[str]:
        """Returns the folders of models to explain: the one in `params`, those whose training started this
        run, or the newest."""
        from airflow.sdk.exceptions import AirflowFailException

        from streaming.data_folder.layout import RUN
        from streaming.settings import DataSettings

        trained = {path.parent for path in DataSettings().layout.models.glob(f"*/{RUN}")}
        if requested := params["models"]:
            names = [requested]
        elif just_trained := [event.extra["name"] for event in triggering_asset_events[MODELS]]:
            names = sorted(set(just_trained))
        else:
            names = [max(trained, key=lambda folder: folder.stat().st_mtime).name] if trained else []
        if not names:
            raise AirflowFailException("No models have been trained yet: run private_models first.")
        if missing := set(names) - {folder.name for folder in trained}:
            raise AirflowFailException(f"There are no models called {', '.join(sorted(missing))}.")
        return names

    @task.external_python(
        python=environ["VITRINE_MAIN_PYTHON"], expect_airflow=False, execution_timeout=timedelta(hours=1)
    )
    def explain(report_run: str, name: str) -> str:
        """Writes the page in the environment `main`, and into its summary which runs it belongs to. The name
        comes from XCom, which the API can change: only the name of a folder of models leads to one."""
        import json
        import logging

        from ml.reports.job import run
        from streaming.data_folder import atomic_file
        from streaming.data_folder.layout import RUN
        from streaming.settings import DataSettings

        logging.basicConfig(level=logging.INFO, format="%(message)s")  # progress, for the task's log
        layout = DataSettings().layout
        if name not in {path.parent.name for path in layout.models.glob(f"*/{RUN}")}:
            raise ValueError(f"There are no models called {name!r}.")
        models, reports = layout.models / name, layout.reports
        run(str(models), str(reports), name)
        entry, trained = reports / f"{name}.json", json.loads((models / RUN).read_text())
        runs = {"model_run_id": trained["dag_run_id"], "report_run_id": report_run}
        summary = json.loads(entry.read_text()) | runs
        atomic_file.write(entry, json.dumps(summary).encode())
        return name

    @task(outlets=[REPORTS])
    def publish(names: list[str], outlet_events: Any) -> None:
        outlet_events[REPORTS].extra = {"reports": list(names)}

    names = choose()
    publish(explain.partial(report_run="{{ run_id }}").expand(name=names))


shap_reports()
