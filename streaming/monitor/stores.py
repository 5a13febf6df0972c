"""The probes of Redis and Elasticsearch."""

from collections.abc import Iterable

from streaming.contract import topics
from streaming.dedup.port import FilterFill
from streaming.dedup.redis import connection
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.settings import GateSettings
from streaming.metrics import catalogue
from streaming.metrics.kinds import Reading
from streaming.settings import ElasticsearchSettings, RedisSettings
from streaming.sinks.elasticsearch.connection import client


class RedisProbe:
    """Reads memory, keys, filters and distinct users. Raises StoreUnavailable, or the client's error, if
    Redis does not answer."""

    def __init__(self, settings: RedisSettings, gate: GateSettings) -> None:
        self._settings = settings
        self._seen = RedisDedupStore(settings, gate)

    def __call__(self) -> list[Reading]:
        with connection.client(self._settings) as client:
            memory, keys = client.info("memory"), client.dbsize()
        most = int(memory["maxmemory"])
        return [
            Reading(catalogue.REDIS_BYTES, int(memory["used_memory"])),
            *([Reading(catalogue.REDIS_MAX_BYTES, most)] if most else []),
            Reading(catalogue.REDIS_KEYS, int(keys)),
            Reading(catalogue.DISTINCT_USERS, self._seen.distinct_users()),
            *filters(self._seen.filter_fill()),
        ]


def filters(fills: Iterable[FilterFill]) -> list[Reading]:
    """Returns readings for each kind of filter: of the fullest one, and the memory of all."""
    by_kind: dict[str, list[FilterFill]] = {}
    for fill in fills:
        by_kind.setdefault(fill.name.partition(":")[0], []).append(fill)
    readings = []
    for kind, found in by_kind.items():
        fullest, labels = max(found, key=lambda fill: fill.items / fill.capacity), {"filter": kind}
        readings += [
            Reading(catalogue.FILTER_CAPACITY, fullest.capacity, labels),
            Reading(catalogue.FILTER_ITEMS, fullest.items, labels),
            Reading(catalogue.FILTER_ERROR_RATIO, fullest.error_rate_estimate, labels),
            Reading(catalogue.FILTER_BYTES, sum(fill.size_bytes for fill in found), labels),
        ]
    return readings


class ElasticsearchProbe:
    """Reads the arrival of the newest searchable session. Raises the client's error if Elasticsearch does not
    answer."""

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self._client = client(settings)
        self._index = settings.index_prefix + topics.SESSION_SUMMARIES

    def __call__(self) -> list[Reading]:
        newest = {"newest": {"max": {"field": "arrivedAtMs"}}}
        answer = self._client.search(index=self._index, size=0, aggs=newest, track_total_hits=False)
        found = answer["aggregations"]["newest"]["value"]
        return [] if found is None else [Reading(catalogue.NEWEST_SEARCHABLE, found / 1000)]
