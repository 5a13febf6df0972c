"""Reads topics and stores with their client libraries only."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from elasticsearch import Elasticsearch
from pymongo import MongoClient

Document = dict[str, Any]
TIMEOUT_S = 60
PAGE = 5_000


class Record(NamedTuple):
    """A committed record of a topic."""

    partition: int
    offset: int
    at_ms: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]


def topic(client_properties: dict[str, Any], name: str) -> Iterator[Record]:
    """Yields every committed record of `name`, each partition in order."""
    reader = Consumer(
        client_properties
        | {
            "group.id": "oracle",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 10,
        }
    )
    try:
        left = set(reader.list_topics(name, timeout=TIMEOUT_S).topics[name].partitions)
        reader.assign([TopicPartition(name, partition, 0) for partition in left])
        while left:
            for message in reader.consume(PAGE, 0.2):
                error = message.error()
                partition, offset = message.partition(), message.offset()
                assert partition is not None
                assert offset is not None
                if error is None:
                    at_ms, headers = message.timestamp()[1], cast(Any, message.headers() or [])
                    yield Record(partition, offset, at_ms, message.key(), message.value(), dict(headers))
                elif error.code() == KafkaError._PARTITION_EOF:
                    left.discard(partition)
                else:
                    raise KafkaException(error)
    finally:
        reader.close()


def collection(uri: str, database: str, name: str) -> Iterator[Document]:
    """Yields every document in the order of `_id`."""
    client: MongoClient[Document]
    with MongoClient(uri) as client:
        after: Document = {}
        while True:
            page: list[Document] = list(client[database][name].find(after).sort("_id", 1).limit(PAGE))
            if not page:
                return
            yield from page
            after = {"_id": {"$gt": page[-1]["_id"]}}


def index(url: str, login: tuple[str, str] | None, name: str) -> Iterator[tuple[str, Document]]:
    """Yields (id, document) for every document that a search finds in an index. `login`: user and
    password."""
    with Elasticsearch(url, basic_auth=login, request_timeout=TIMEOUT_S) as client:
        client.indices.refresh(index=name)
        moment = client.open_point_in_time(index=name, keep_alive="2m")["id"]
        after: list[Any] | None = None
        while hits := client.search(
            pit={"id": moment, "keep_alive": "2m"}, sort=["_shard_doc"], search_after=after, size=PAGE,
            track_total_hits=False,
        )["hits"]["hits"]:  # fmt: skip
            for hit in hits:
                yield hit["_id"], hit["_source"]
            after = hits[-1]["sort"]


def fields(value: bytes | None) -> Document:
    """Returns the value as a JSON object."""
    found: Document = json.loads(value or b"")
    return found
