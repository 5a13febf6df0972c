"""The users of the stores in the containers' networks. Standard library only: the host's Python writes their
passwords (make_secrets.py).

What a stage may do with which topic follows from streaming/contract/topology.py (kafka_setup.py). The rights
in the other stores are in what the stores read: REDIS_RIGHTS below, elasticsearch/roles.yml and
mongodb/users.js."""

KAFKA = ("gate", "store", "index", "flink", "watch", "airflow", "operator", "setup", "health", "broker")
"""Users of Kafka. `broker` and `setup` may do everything: the broker itself, and the service that makes
topics and rights and ends. `operator` is the person at `docker compose run operator`."""

REDIS = ("gate", "watch", "airflow", "operator", "health")
MONGODB = ("store", "airflow", "operator")
ELASTICSEARCH = ("index", "watch", "airflow", "operator", "kibana", "importer", "analyst", "health")
"""Users of Elasticsearch. `kibana` is Kibana itself, `importer` the service that imports its dashboards, and
`analyst` the person who looks at them."""

_KEYS = "resetkeys ~vitrine:{gate}:*"
_READING = "ping info get hget hkeys pfcount bf.info"
"""What the counters of distinct users and the fill of the filters are read with."""
_CLAIMING = (
    "script|load script|exists eval evalsha scan mget set exists del unlink pexpire pexpireat "
    "hgetall hset hdel sadd srem smembers pfadd bf.reserve bf.insert bf.mexists"
)
"""What the gate needs beside them. Redis checks the commands within a script too."""


def _may(commands: str) -> str:
    return f"{_KEYS} -@all " + " ".join(f"+{command}" for command in commands.split())


REDIS_RIGHTS = {
    "gate": _may(f"{_READING} {_CLAIMING}"),
    "watch": _may(_READING),
    "airflow": _may(_READING),
    "operator": _may(_READING),
    "health": "resetkeys -@all +ping +module|list",
}
"""Rules of Redis' ACL by user."""
