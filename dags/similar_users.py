"""
## Users with similar baskets

Runs after every extraction. **find** signs each user's set of products with MinHash and looks candidates up
by locality-sensitive hashing; **load** puts the result into the MongoDB collection `similar_users`: one
document a user, `_id` the user's id, `neighbours` the most similar first. What earlier runs left goes once
all of it stands.
"""

from datetime import timedelta
from os import environ
from typing import Any

from airflow.sdk import Asset, Param, dag, task

from streaming import dag_values
from streaming.dag_values import FRAME, TASKS

EXTRACT = Asset(dag_values.EXTRACT)
SIMILAR_USERS = Asset(dag_values.SIMILAR_USERS)


@dag(
    schedule=[EXTRACT],
    **FRAME,
    dagrun_timeout=timedelta(hours=6),
    default_args=TASKS,
    params={
        "threshold": Param(
            0.5,
            type="number",
            minimum=0.1,
            maximum=1,
            title="Least similarity",
            description="Users are similar from this Jaccard similarity of their products on",
        ),
        "neighbours": Param(
            10,
            type="integer",
            minimum=1,
            maximum=100,
            title="Neighbours",
            description="At most so many a user",
        ),
        "permutations": Param(
            128,
            type="integer",
            minimum=16,
            maximum=512,
            title="Permutations",
            description="Length of a MinHash signature: a longer one misses fewer and takes longer",
        ),
    },
    tags=["vitrine", "users"],
    doc_md=__doc__,
)
def similar_users() -> None:
    @task
    def require_extract() -> None:
        """Fails at once, and says why, where nothing has been extracted yet."""
        from airflow.sdk.exceptions import AirflowFailException

        from streaming.extraction import parquet
        from streaming.settings import DataSettings

        if why := parquet.missing(DataSettings().layout.extract):
            raise AirflowFailException(why)

    @task.external_python(
        python=environ["VITRINE_MAIN_PYTHON"], expect_airflow=False, execution_timeout=timedelta(hours=2)
    )
    def find(params_json: str) -> dict[str, Any]:
        """In the models' own environment; what it finds stays in a file, only its path comes back."""
        import json
        import logging

        from ml.similar_users.job import run
        from streaming.settings import DataSettings

        logging.basicConfig(level=logging.INFO, format="%(message)s")  # progress, for the task's log
        layout = DataSettings().layout
        return run(layout.extract, layout.similar_users, **json.loads(params_json))

    @task(outlets=[SIMILAR_USERS], execution_timeout=timedelta(hours=2))
    def load(found: dict[str, Any], run_id: str, outlet_events: Any) -> None:
        """Replaces by user id, so that a second try ends the same; then removes what this run did not
        write."""
        import json
        from itertools import islice
        from pathlib import Path

        from airflow.providers.mongo.hooks.mongo import MongoHook
        from pymongo import ReplaceOne

        from streaming.settings import MongoSettings

        with MongoHook() as mongo, Path(found["path"]).open() as lines:
            collection = mongo.get_collection("similar_users", mongo_db=MongoSettings().database)
            users = ({**json.loads(line), "run": run_id} for line in lines)
            while batch := list(islice(users, 1_000)):
                collection.bulk_write([ReplaceOne({"_id": u["_id"]}, u, upsert=True) for u in batch])
            collection.delete_many({"run": {"$ne": run_id}})
        outlet_events[SIMILAR_USERS].extra = {"users": found["users"], "pairs": found["pairs"]}

    found = find("{{ params | tojson }}")
    require_extract() >> found
    load(found)


similar_users()
