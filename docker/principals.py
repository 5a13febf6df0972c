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

_BLOOM = "+bf.reserve +bf.insert +bf.madd +bf.add +bf.mexists +bf.exists +bf.info"
# The category "dangerous" holds RESTORE, KEYS, SORT, FLUSHALL, CONFIG, ACL and SHUTDOWN.
_READ = "-@all +@read +@connection -@dangerous +info +bf.info"
REDIS_RIGHTS = {
    "gate": f"~vitrine:* -@all +@read +@write +@connection +@transaction -@dangerous {_BLOOM} "
    "+info +eval +evalsha +script|load +script|exists",
    "watch": f"~vitrine:* {_READ}",
    "airflow": f"~vitrine:* {_READ}",
    "operator": f"~vitrine:users:* ~vitrine:counted* {_READ} +pfadd +pfmerge +pexpireat",
    "health": "resetkeys -@all +ping +module|list",
}
"""Rules of Redis' ACL by user."""
