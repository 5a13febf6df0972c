"""Protocol-level health checks. Each is cheap, has a time-out, and raises with what was wrong."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stack.service import Unhealthy

TIMEOUT_S = 5.0


@dataclass(frozen=True)
class KafkaHealth:
    """The broker answers with its metadata and has a controller."""

    bootstrap_servers: str
    client_properties: str = field(default="{}", repr=False)

    def check(self) -> None:
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        quiet = {"bootstrap.servers": self.bootstrap_servers, "log_level": 0, "socket.timeout.ms": 4000}
        try:
            cluster = AdminClient(quiet | json.loads(self.client_properties)).list_topics(timeout=TIMEOUT_S)
        except KafkaException as error:
            raise Unhealthy(f"no metadata from {self.bootstrap_servers}: {error.args[0].str()}") from None
        if not cluster.brokers:
            raise Unhealthy("the cluster has no broker yet")


@dataclass(frozen=True)
class GroupHealth:
    """A consumer group has a member with partitions: the stage reads. With `metrics_url`, its metrics must
    answer too: the group still lists a gate that has stopped until its group session times out."""

    bootstrap_servers: str
    group: str
    client_properties: str = field(default="{}", repr=False)
    metrics_url: str = ""

    def check(self) -> None:
        if self.metrics_url:
            try:
                urllib.request.urlopen(self.metrics_url, timeout=TIMEOUT_S).close()
            except OSError as error:
                raise Unhealthy(f"no answer from {self.metrics_url}: {error}") from None
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        quiet = {"bootstrap.servers": self.bootstrap_servers, "log_level": 0, "socket.timeout.ms": 4000}
        admin = AdminClient(quiet | json.loads(self.client_properties))
        try:
            described = admin.describe_consumer_groups([self.group], request_timeout=TIMEOUT_S)
            group = described[self.group].result(TIMEOUT_S)
        except (KafkaException, TimeoutError) as error:
            raise Unhealthy(f"the consumer group {self.group} cannot be described: {error}") from None
        if not any(member.assignment.topic_partitions for member in group.members):
            raise Unhealthy(f"the consumer group {self.group} has no member with partitions yet")


@dataclass(frozen=True)
class RedisHealth:
    """Redis answers PING (it does not while it loads its file) and knows Bloom filters."""

    url: str = field(repr=False)

    def check(self) -> None:
        import redis

        try:
            with redis.Redis.from_url(self.url, socket_timeout=TIMEOUT_S) as client:
                client.ping()
                modules = [module[b"name"] for module in client.module_list()]
        except redis.RedisError as error:
            raise Unhealthy(f"no answer to PING: {error}") from None
        if b"bf" not in modules:
            raise Unhealthy("the server has no RedisBloom module")


@dataclass(frozen=True)
class MongoHealth:
    """The server answers `hello`."""

    uri: str = field(repr=False)

    def check(self) -> None:
        import pymongo
        from pymongo.errors import PyMongoError

        try:
            with pymongo.MongoClient[dict[str, Any]](self.uri, serverSelectionTimeoutMS=3000) as client:
                client.admin.command("hello")
        except PyMongoError as error:
            raise Unhealthy(f"no answer to hello: {str(error)[:200]}") from None


@dataclass(frozen=True)
class HttpHealth:
    """A JSON page answers and is accepted by `ready`, which returns None or the reason why not."""

    url: str
    ready: Callable[[Any], str | None]
    trust: Callable[[], ssl.SSLContext] | None = None
    """Returns the TLS context for an https address: trusted and own certificates. Called at each check."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with the request: a login, for example."""

    def check(self) -> None:
        try:
            context = self.trust() if self.trust else None
            request = urllib.request.Request(self.url, headers=dict(self.headers))
            with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=context) as response:
                page = json.load(response)
        except (OSError, urllib.error.URLError, ValueError) as error:
            raise Unhealthy(f"no answer from {self.url}: {error}") from None
        if reason := self.ready(page):
            raise Unhealthy(reason)
