"""What all tests share: no test is skipped, and those on the running stack keep to names of their own."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from waiting import HUNG_S

from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings, RedisSettings

with suppress(ImportError):  # the Airflow environment has no Hypothesis
    from hypothesis import HealthCheck, settings

    # Properties are about results, not about the speed of the machine that finds them.
    settings.register_profile("vitrine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("vitrine")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A test that cannot run has not passed."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: {call.excinfo.value if call.excinfo else ''}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """Nor has a file that was skipped as a whole."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped: {report.longrepr}"
    return report


@pytest.fixture
def prefix() -> str:
    """Put before all names that a test uses on the running stack: no other test and no user has it."""
    return f"test-{uuid.uuid4().hex[:12]}-"


@pytest.fixture
def kafka(prefix: str) -> Iterator[KafkaSettings]:
    """The running cluster with topics and groups of the test's own, gone when it ends."""
    from confluent_kafka.admin import AdminClient

    from streaming.kafka.clients import properties

    settings = KafkaSettings(topic_prefix=prefix)
    yield settings
    admin = AdminClient(properties(settings))
    own = [topic for topic in admin.list_topics(timeout=HUNG_S).topics if topic.startswith(prefix)]
    for deleted in admin.delete_topics(own).values() if own else ():
        deleted.result(HUNG_S)


@pytest.fixture
def redis(prefix: str) -> Iterator[RedisSettings]:
    """The running Redis with keys of the test's own, gone when it ends."""
    from redis import Redis

    settings = RedisSettings(key_prefix=prefix)
    yield settings
    with Redis.from_url(settings.url.get_secret_value()) as client:
        for key in client.scan_iter(match=f"{prefix}*", count=1000):
            client.delete(key)


@pytest.fixture
def mongo(prefix: str) -> Iterator[MongoSettings]:
    """The running database server with a database of the test's own, gone when it ends."""
    from pymongo import MongoClient

    settings = MongoSettings(database=prefix.strip("-"))
    yield settings
    client: MongoClient[dict[str, Any]]
    with MongoClient(settings.uri.get_secret_value()) as client:
        client.drop_database(settings.database)


@pytest.fixture
def elasticsearch(prefix: str) -> Iterator[ElasticsearchSettings]:
    """The running Elasticsearch with indices and templates of the test's own, gone when it ends."""
    from streaming.sinks.elasticsearch import connection

    settings = ElasticsearchSettings(index_prefix=prefix)
    yield settings
    with connection.client(settings).options(request_timeout=HUNG_S) as client:
        for name in client.indices.get(index=f"{prefix}*", allow_no_indices=True):
            client.indices.delete(index=name)
        for template in client.indices.get_index_template()["index_templates"]:
            if template["name"].startswith(prefix):
                client.indices.delete_index_template(name=template["name"])
