"""The users of the stores in the containers' networks. Standard library only: the host's Python writes their
passwords (make_secrets.py).

Rights in Kafka and Redis are the native stack's declarations (kafka_setup.py, REDIS_RIGHTS below). Those in
Elasticsearch and MongoDB are in what the stores read: elasticsearch/roles.yml, which a test compares with the
native one, and mongodb/users.js."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from streaming.dedup.redis.commands import CLAIMING, READING, WATCHING, rights

KAFKA = ("gate", "store", "index", "flink", "watch", "airflow", "operator", "setup", "health", "broker")
"""Users of Kafka. `broker` and `setup` may do everything: the broker itself, and the service that makes
topics and rights and ends. `operator` is the person at `docker compose run operator`."""

REDIS = ("gate", "watch", "airflow", "operator", "health")
MONGODB = ("store", "airflow", "operator")
ELASTICSEARCH = ("index", "watch", "airflow", "operator", "kibana", "importer", "analyst", "health")
"""Users of Elasticsearch. `kibana` is Kibana itself, `importer` the service that imports its dashboards, and
`analyst` the person who looks at them."""

KEY_PREFIX = "vitrine:"
REDIS_RIGHTS = {
    "gate": rights(KEY_PREFIX, CLAIMING),
    "watch": rights(KEY_PREFIX, WATCHING),
    "airflow": rights(KEY_PREFIX, READING),
    "operator": rights(KEY_PREFIX, READING),
    "health": ("+ping", "+module|list"),
}
"""Rules of Redis' ACL by user. A user has no others: each begins with none."""
