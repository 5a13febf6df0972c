"""
## Users with similar baskets

Runs after every extraction, and when retention has deleted rows of extracts. **find** computes a MinHash
signature of each user's set of products and finds candidates by locality-sensitive hashing. **load** writes
the result into the MongoDB collection `similar_users`: one document per user, with the user's pseudonym as
`_id` and `neighbours`, the most similar first. It deletes the documents of earlier runs after it has written
all new ones. A user who has refused personalisation in any session is left out, and is nobody's
neighbour.
"""

from datetime import timedelta
from os import environ

from airflow.sdk import Asset, Param, dag, task

from streaming import dag_values
from streaming.dag_values import FRAME, TASKS

EXTRACT = Asset(dag_values.EXTRACT)
EXPIRED = Asset(dag_values.EXPIRED_EXTRACTS)
SIMILAR_USERS = Asset(dag_values.SIMILAR_USERS)


@dag(
    schedule=EXTRACT | EXPIRED,
    **FRAME,
    dagrun_timeout=timedelta(hours=6),
    default_args=TASKS,
    params={
        "threshold": Param(
            0.5,
            type="number",
            minimum=0.1,
            maximum=1,
            title="Threshold",
            description="Users are similar if their products have at least this Jaccard similarity",
        ),
        "neighbours": Param(
            10,
            type="integer",
            minimum=1,
            maximum=100,
            title="Neighbours",
            description="How many similar users are kept per user, at most",
        ),
        "permutations": Param(
            128,
            type="integer",
            minimum=16,
            maximum=512,
            title="Permutations",
            description="Length of a MinHash signature: a longer one misses fewer pairs and takes longer",
        ),
    },
    tags=["vitrine", "users"],
    doc_md=__doc__,
)
def similar_users() -> None:
    @task
    def require_extract() -> None:
        """Fails without a retry, naming the reason, if nothing has been extracted yet."""
        from airflow.sdk.exceptions import AirflowFailException

        from streaming.extraction import parquet
        from streaming.settings import DataSettings

        if why := parquet.missing(DataSettings().layout.extract):
            raise AirflowFailException(why)

    @task.external_python(
        python=environ["VITRINE_MAIN_PYTHON"], expect_airflow=False, execution_timeout=timedelta(hours=2)
    )
    def find(params_json: str) -> None:
        """Finds the pairs in the environment `main` and writes them to a file of the data folder. Counts of
        users are in the log only: viewers read no task logs."""
        import json
        import logging

        from ml.similar_users.job import run
        from streaming.settings import ConsentSettings, DataSettings

        logging.basicConfig(level=logging.INFO, format="%(message)s")  # progress, for the task's log
        layout = DataSettings().layout
        sources = ConsentSettings().sources
        run(layout.extract, layout.similar_users, sources=sources, **json.loads(params_json))

    @task(outlets=[SIMILAR_USERS], execution_timeout=timedelta(hours=2))
    def load(run_id: str) -> None:
        """Replaces documents by user id, so that a retry has the same result; then deletes those that this
        run did not write. Takes no path from XCom, which the API can change."""
        import json
        from itertools import islice

        from airflow.providers.mongo.hooks.mongo import MongoHook
        from pymongo import ReplaceOne

        from streaming.settings import DataSettings, MongoSettings

        with MongoHook() as mongo, DataSettings().layout.similar_users.open() as lines:
            collection = mongo.get_collection("similar_users", mongo_db=MongoSettings().database)
            users = ({**json.loads(line), "run": run_id} for line in lines)
            while batch := list(islice(users, 1_000)):
                collection.bulk_write([ReplaceOne({"_id": u["_id"]}, u, upsert=True) for u in batch])
            collection.delete_many({"run": {"$ne": run_id}})

    found = find("{{ params | tojson }}")
    require_extract() >> found >> load()


similar_users()
