"""The probes of Redis and Elasticsearch: what only they know."""

from streaming.adapters import elasticsearch, redis
from streaming.events import topics
from streaming.gate.distinct import distinct_users
from streaming.metrics import declared
from streaming.metrics.kinds import Reading
from streaming.settings import ElasticsearchSettings, RedisSettings


class RedisProbe:
    """Raises StoreAway, or the client's error, while Redis does not answer."""

    def __init__(self, settings: RedisSettings) -> None:
        self._settings = settings

    def __call__(self) -> list[Reading]:
        with redis.client(self._settings) as client:
            used = int(client.info("memory")["used_memory"])
        return [
            Reading(declared.REDIS_BYTES, used),
            Reading(declared.DISTINCT_USERS, distinct_users(self._settings)),
        ]


class ElasticsearchProbe:
    """Raises the client's error while Elasticsearch does not answer."""

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self._client = elasticsearch.client(settings)
        self._index = settings.index_prefix + topics.SESSION_SUMMARIES

    def __call__(self) -> list[Reading]:
        newest = {"newest": {"max": {"field": "arrivedAtMs"}}}
        answer = self._client.search(index=self._index, size=0, aggs=newest, track_total_hits=False)
        found = answer["aggregations"]["newest"]["value"]
        return [] if found is None else [Reading(declared.NEWEST_SEARCHABLE, found / 1000)]
