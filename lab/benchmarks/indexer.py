"""`python -m lab.benchmarks.indexer`: the sink `index` against a bare bulk load of the same documents.

Three ways alternate, each into new indices of the same templates: `bare` sends encoded documents from memory,
in requests as long as the sink's; `helpers` uses the client's streaming_bulk; `indexer` is the real stage,
which reads the documents from Kafka, orders their versions and commits its offsets. The time runs from the
first batch read to the last one acknowledged. The ratio, against the faster of the other two, is the median
over the rounds. Prints one JSON object.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Event
from typing import Any

import msgspec
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient
from elasticsearch import helpers

from lab.benchmarks.sessions import PSEUDONYMS
from streaming.contract import topics
from streaming.contract.months import month_of
from streaming.contract.parsing import parse
from streaming.contract.session import Session
from streaming.contract.topology import INDEX
from streaming.contract.valid_session import admit
from streaming.kafka import clients
from streaming.kafka.partitions import TIMEOUT_S
from streaming.kafka.produce import produce
from streaming.settings import ElasticsearchSettings, KafkaSettings
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic
from streaming.sinks.elasticsearch.connection import client
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.elasticsearch.newest import Newest
from streaming.sinks.elasticsearch.settings import IndexSettings
from streaming.sinks.elasticsearch.sink import ElasticsearchSink
from streaming.sinks.stage import consumer, run_sink
from streaming.summaries.documents import documents
from streaming.summaries.key_limit import USUAL
from streaming.summaries.product import Windows
from streaming.words.lists import Words

Document = tuple[str, bytes, bytes]
"""Index, id and body."""

_FAR_FUTURE_MS = 2**45


def main() -> int:
    """Runs the benchmark of the command line. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sessions", type=int, default=40_000, help="simulated sessions to make documents from"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each kind")
    options = parser.parse_args()
    _tell(f"making the documents of {options.sessions:,} sessions")
    made = list(_documents(options.sessions))
    settings = KafkaSettings(topic_prefix=f"bench-index-{os.getpid()}-")
    rates: dict[str, list[float]] = {"bare": [], "helpers": [], "indexer": []}
    clients.ensure_topics(settings)
    try:
        _load(settings, made)
        ways: dict[str, Callable[[ElasticsearchIndex], float]] = {
            "bare": lambda index: bare(index, made),
            "helpers": lambda index: by_helpers(index, made),
            "indexer": lambda index: indexer(index, settings, len(made)),
        }
        for number in range(options.rounds):
            for kind, way in ways.items():
                rates[kind].append(len(made) / _on_fresh_indices(way, len(made)))
                _tell(f"round {number + 1} {kind}: {rates[kind][-1]:,.0f} documents/s")
    finally:
        declared = topics.declared(settings.partitions, settings.retention_ms)
        names = [clients.name(settings, topic.name) for topic in declared]
        admin = AdminClient(clients.properties(settings))
        for deleted in admin.delete_topics(names).values():
            deleted.result(TIMEOUT_S)
    # Ratios are taken within a round, in which the load of the machine changes little.
    ratios = [
        own / max(others)
        for own, *others in zip(rates["indexer"], rates["bare"], rates["helpers"], strict=True)
    ]
    medians = {kind: statistics.median(of) for kind, of in rates.items()}
    result = {
        "documents": len(made),
        "bytes_per_document": round(sum(len(body) for _, _, body in made) / len(made)),
        "batch_size": IndexSettings().batch_size,
        "bare_per_s": round(medians["bare"]),
        "helpers_per_s": round(medians["helpers"]),
        "indexer_per_s": round(medians["indexer"]),
        "ratio": round(statistics.median(ratios), 3),
        "rounds": {kind: [round(rate) for rate in of] for kind, of in rates.items()},
    }
    print(json.dumps(result))
    return 0


def _documents(sessions: int) -> Iterator[Document]:
    """Yields the documents of simulated sessions: summaries, sentiments and window aggregates, each once."""
    windows, words = Windows(USUAL), Words()
    shop = TrafficSettings(
        sessions=sessions, users=sessions // 5 + 1, seed=7, duplicate_rate=0, no_consent_rate=0
    )
    for offset, message in enumerate(traffic(shop)):
        judged = parse(message.value, _FAR_FUTURE_MS)
        if not isinstance(judged, Session):
            continue
        session = admit(
            judged,
            PSEUDONYMS,
            user_kind="new",
            late=False,
            raw_partition=0,
            raw_offset=offset,
            arrived_at_ms=message.due_ms,
        )
        windows.add(session)
        for index, id_, document in documents(session, words):
            yield index, id_.encode(), msgspec.json.encode(document)
    for id_, activity in windows.activities().items():
        yield topics.PRODUCT_ACTIVITY, id_.encode(), msgspec.json.encode(activity)


def _load(settings: KafkaSettings, made: Sequence[Document]) -> None:
    loader = clients.producer(settings)
    for index, id_, body in made:
        produce(loader, clients.name(settings, index), body, id_)
    loader.flush()


def _on_fresh_indices(way: Callable[[ElasticsearchIndex], float], expected: int) -> float:
    """Returns the seconds of `way` into new indices, which are deleted afterwards."""
    settings = ElasticsearchSettings(index_prefix=f"bench-index-{os.getpid()}-{time.monotonic_ns()}-")
    index = ElasticsearchIndex(settings)
    for name, document in DOCUMENTS.items():
        index.prepare(name, document)
    admin = client(settings)
    try:
        seconds = way(index)
        for name in DOCUMENTS:
            index.refresh(name)
        if (found := sum(map(index.count, DOCUMENTS))) != expected:
            raise RuntimeError(f"{found} of {expected} documents arrived")
        return seconds
    finally:
        for name in DOCUMENTS:
            for month in index.months(name):
                index.drop(name, month)
            admin.indices.delete_index_template(name=index.name(name))
        admin.close()


def _one_slice(index: ElasticsearchIndex, name: str) -> str:
    """Returns the full name of the slice of this month, which `prepare` has made. The other ways write all
    documents into it; so they are as fast as they can be."""
    return f"{index.name(name)}-{month_of(time.time_ns() // 1_000_000)}"


def bare(index: ElasticsearchIndex, made: Sequence[Document]) -> float:
    """Returns the seconds to send all documents, already encoded, with the client's bulk call."""
    batch_size = IndexSettings().batch_size
    target = client(ElasticsearchSettings())
    started = time.monotonic()
    for first in range(0, len(made), batch_size):
        operations: list[Any] = []
        for name, id_, body in made[first : first + batch_size]:
            operations += ({"index": {"_index": _one_slice(index, name), "_id": id_.decode()}}, body)
        if target.bulk(operations=operations, filter_path="errors")["errors"]:
            raise RuntimeError("Elasticsearch refused documents of the bare load")
    return time.monotonic() - started


def by_helpers(index: ElasticsearchIndex, made: Sequence[Document]) -> float:
    """Returns the seconds to send all documents with the client's streaming_bulk, which encodes each
    again."""
    target = client(ElasticsearchSettings())
    started = time.monotonic()
    actions = (
        {"_index": _one_slice(index, name), "_id": id_.decode(), "_source": msgspec.json.decode(body)}
        for name, id_, body in made
    )
    for _ in helpers.streaming_bulk(target, actions, chunk_size=IndexSettings().batch_size):
        pass
    return time.monotonic() - started


def indexer(index: ElasticsearchIndex, settings: KafkaSettings, expected: int) -> float:
    """Returns the seconds that the real stage takes for the same, from its topics as a new consumer group."""
    own, stop = IndexSettings(), Event()
    sink = _Timed(settings, index, clients.producer(settings))
    sink.prepare()
    sink.expected, sink.done = expected, stop
    member = consumer(settings, f"{INDEX.group}-{time.monotonic_ns()}", own)
    run_sink(member, [clients.name(settings, topic) for topic in INDEX.reads], sink, own, stop)
    return sink.ended_s - sink.began_s


class _Timed(ElasticsearchSink):
    """Notes when it read first and wrote last, and ends the stage once it has written all."""

    began_s = ended_s = 0.0
    written = expected = 0
    done = Event()

    def read(self, batch: Sequence[Message]) -> Newest:
        self.began_s = self.began_s or time.monotonic()
        return super().read(batch)

    def write(self, batch: Newest) -> None:
        super().write(batch)
        self.written += len(batch[0])
        self.ended_s = time.monotonic()
        if self.written >= self.expected:
            self.done.set()


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
