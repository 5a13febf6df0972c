"""The names of one chaos test on the running stack, and their removal."""

import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka.admin import AdminClient
from pymongo import MongoClient

from stack.components import flink
from stack.service import StackContext
from streaming.flink.cluster import client
from streaming.kafka import clients
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings
from streaming.sinks.elasticsearch import connection
from streaming.summaries.submitter import ALIVE

TIMEOUT_S = 60


class RunNamespace:
    """A unique prefix, and everything made with it."""

    def __init__(self, place: StackContext) -> None:
        self.prefix = f"torture-{uuid.uuid4().hex[:8]}-"
        self.folder = place.layout.state / "torture" / self.prefix.strip("-")
        self.folder.mkdir(parents=True)
        # Flink's account writes there and nowhere else.
        self._checkpoints = place.layout.stores / "flink" / self.prefix.strip("-")
        self.kafka = KafkaSettings(topic_prefix=self.prefix)
        self.mongo = MongoSettings.model_validate({"database": self.prefix.strip("-")})
        self.elasticsearch = ElasticsearchSettings(index_prefix=self.prefix)
        self._flink = flink.rest(place)

    def variables(self) -> dict[str, str]:
        """Returns the settings for a stage to use these names."""
        return {
            "VITRINE_KAFKA_TOPIC_PREFIX": self.prefix,
            "VITRINE_MONGO_DATABASE": self.mongo.database,
            "VITRINE_ELASTICSEARCH_INDEX_PREFIX": self.prefix,
            "VITRINE_FLINK_CHECKPOINT_DIR": self._checkpoints.as_uri(),
        }

    def remove(self, stores: bool, keep_logs: bool) -> None:
        """Removes topics and groups, with `stores` also the job, the database and the indices, and then the
        folder, except its logs if `keep_logs`."""
        if stores:
            self._end_job()
            client: MongoClient[dict[str, Any]]
            with MongoClient(self.mongo.uri.get_secret_value()) as client:
                client.drop_database(self.mongo.database)
            self._remove_indices()
            shutil.rmtree(self._checkpoints, ignore_errors=True)
        admin = AdminClient(clients.properties(self.kafka))
        own = [name for name in admin.list_topics(timeout=TIMEOUT_S).topics if name.startswith(self.prefix)]
        _settle(admin.delete_topics(own) if own else {})
        groups = admin.list_consumer_groups().result(TIMEOUT_S).valid
        dead = [group.group_id for group in groups if group.group_id.startswith(self.prefix)]
        _settle(admin.delete_consumer_groups(dead) if dead else {})
        if keep_logs:
            for kept in self.folder.iterdir():
                if kept.is_dir():
                    shutil.rmtree(kept, ignore_errors=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def jobs(self) -> list[str]:
        """Returns the ids of this run's jobs on the cluster."""
        with client(self._flink, TIMEOUT_S) as rest:
            found = rest.get("/jobs/overview").raise_for_status().json()
        return [
            job["jid"]
            for job in found["jobs"]
            if job["name"].startswith(self.prefix) and job["state"] in ALIVE
        ]

    def job_runs(self) -> bool:
        """True if all tasks of the job run: its own state is RUNNING even while they start."""
        try:
            with client(self._flink, TIMEOUT_S) as rest:
                found = rest.get("/jobs/overview").json()["jobs"]
        except (httpx.HTTPError, ValueError, KeyError):
            return False
        own = [job["tasks"] for job in found if job["name"].startswith(self.prefix)]
        return any(tasks["running"] == tasks["total"] > 0 for tasks in own)

    def _end_job(self) -> None:
        with client(self._flink, TIMEOUT_S) as rest:
            for job in self.jobs():
                rest.patch(f"/jobs/{job}", params={"mode": "cancel"})

    def _remove_indices(self) -> None:
        with connection.client(self.elasticsearch) as client:
            for name in client.indices.get(index=f"{self.prefix}*", allow_no_indices=True):
                client.indices.delete(index=name)
            for template in client.indices.get_index_template()["index_templates"]:
                if template["name"].startswith(self.prefix):
                    client.indices.delete_index_template(name=template["name"])


def logs(folder: Path) -> list[Path]:
    """Returns the log files of the stages."""
    return sorted(folder.glob("*.log"))


def _settle(futures: Mapping[str, Any]) -> None:
    """Waits for the broker's responses. A group that the broker still considers active is not deleted."""
    for future in futures.values():
        future.exception(TIMEOUT_S)
