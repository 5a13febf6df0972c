"""Looks for words in everything that is stored, decoded: topics, stores, files and logs."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pyarrow.parquet as pq
from elasticsearch import Elasticsearch
from pymongo import MongoClient
from redis import Redis

from streaming.contract import topics
from streaming.kafka import clients
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings, RedisSettings
from streaming.sinks.elasticsearch import connection, pages

ALL_TOPICS = (
    topics.RAW,
    topics.VALID,
    topics.REJECTED,
    topics.REFUSED_DOCUMENTS,
    topics.EXTRACTION_DUE,
    *topics.INDEXED,
)


def spellings(word: str) -> set[bytes]:
    """How a word may stand in bytes."""
    told = {word, quote(word), quote(word, safe=""), json.dumps(word).strip('"')}
    return {one.encode() for one in told} | {word.encode("utf-16-le")}


def of_kafka(settings: KafkaSettings) -> Iterator[tuple[str, bytes]]:
    for topic in ALL_TOPICS:
        for message in clients.read_all(settings, topic):
            headers = repr(message.headers()).encode()
            yield f"kafka {topic}", b" ".join((message.key() or b"", message.value() or b"", headers))


def of_mongodb(settings: MongoSettings) -> Iterator[tuple[str, bytes]]:
    client: MongoClient[dict[str, Any]]
    with MongoClient(settings.uri.get_secret_value()) as client:
        database: Any = client[settings.database]
        for name in database.list_collection_names():
            for document in database[name].find():
                yield f"mongodb {name}", msgspec.json.encode(document, enc_hook=repr)


def of_elasticsearch(settings: ElasticsearchSettings) -> Iterator[tuple[str, bytes]]:
    client: Elasticsearch = connection.client(settings)
    with closing(client):
        pattern = f"{settings.index_prefix}*"
        client.indices.refresh(index=pattern)
        for hit in pages.hits(client, pattern):
            yield f"elasticsearch {hit['_index']}", msgspec.json.encode([hit["_id"], hit["_source"]])


def of_redis(settings: RedisSettings) -> Iterator[tuple[str, bytes]]:
    with Redis.from_url(settings.url.get_secret_value()) as client:
        for key in client.scan_iter(match=f"{settings.key_prefix}*", count=1_000):
            yield "redis", key
            if client.type(key) == b"hash":
                yield "redis", repr(client.hgetall(key)).encode()
            elif client.type(key) == b"string":
                yield "redis", client.get(key) or b""


def of_files(*folders: Path) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for path in folder.rglob("*"):
            yield str(path), path.name.encode()
            if not path.is_file():
                continue
            yield str(path), path.read_bytes()
            if path.suffix == ".parquet":
                yield str(path), repr(pq.read_table(path).to_pylist()).encode()
            if path.suffix == ".db":
                with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
                    for line in database.iterdump():
                        yield str(path), line.encode(errors="replace")


def places_of(words: Iterable[str], *stored: Iterator[tuple[str, bytes]]) -> set[str]:
    """Returns the places that have any of `words`."""
    wanted = {spelling for word in words for spelling in spellings(word)}
    return {place for found in stored for place, content in found if any(one in content for one in wanted)}
