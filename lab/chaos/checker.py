"""Compares the results of a run with those that the oracle expects."""

import secrets
from collections.abc import Callable, Iterator

from redis import Redis

from lab.chaos.namespace import RunNamespace
from lab.chaos.oracle import gate, readings, stores
from lab.chaos.report import Report
from streaming.contract import topics
from streaming.distinct.all_users import distinct_users
from streaming.kafka import clients
from streaming.settings import RedisSettings

MOST_OFF = 0.04
"""Allowed relative error of the estimate of distinct users: five standard errors of a HyperLogLog."""
PROBES = 5_000


def judge(own: RunNamespace, redis: RedisSettings, report: Report) -> None:
    """Reads all topics and stores, and adds everything that is wrong to the report."""
    findings = report.findings

    def records(topic: str) -> Iterator[readings.Record]:
        return readings.topic(clients.properties(own.kafka), clients.name(own.kafka, topic))

    def valid() -> Iterator[readings.Record]:
        return records(topics.VALID)

    users = gate.judge(records(topics.RAW), valid(), records(topics.REJECTED), findings)
    if findings.counts["raw"] != report.events:
        findings.is_wrong(
            f"the raw topic has {findings.counts['raw']} messages, but {report.events} were sent"
        )
    estimate = distinct_users(redis)
    report.distinct_users = {"exact": users, "estimate": estimate}
    if abs(estimate - users) > max(MOST_OFF * users, 2):
        findings.is_wrong(f"Redis estimates {estimate} distinct users, but there were {users}")
    if report.through == "gate":
        return
    database = own.mongo
    stores.judge_mongodb(
        valid(),
        readings.collection(database.uri.get_secret_value(), database.database, "sessions"),
        findings,
    )
    judged: dict[str, Callable[..., None]] = {
        topics.SESSION_SUMMARIES: stores.judge_summaries,
        topics.PRODUCT_ACTIVITY: stores.judge_activity,
        topics.PRODUCT_SENTIMENT: stores.judge_sentiment,
    }
    for index, judged_by in judged.items():
        there = own.elasticsearch
        login = (there.username, there.password.get_secret_value()) if there.username else None
        found = readings.index(there.url, login, there.index_prefix + index)
        judged_by(valid(), found, findings)


def false_positive_rate(url: str) -> float | None:
    """Returns the false positive rate of the worst Bloom filter, None if there is no filter."""
    rates = []
    with Redis.from_url(url) as client:
        for key in client.scan_iter(_type="MBbloom--", count=10_000):
            never_added = [secrets.token_bytes(10) for _ in range(PROBES)]
            rates.append(sum(client.execute_command("BF.MEXISTS", key, *never_added)) / PROBES)
    return max(rates, default=None)
