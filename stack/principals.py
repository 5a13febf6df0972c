"""Who may log in to which stores of the local stack. Pure. Standard library only."""

from enum import StrEnum


class Store(StrEnum):
    """A component that asks for a user and a password, by its name in the settings."""

    KAFKA = "kafka"
    REDIS = "redis"
    MONGODB = "mongodb"
    """A real mongod: the embedded server cannot ask."""
    ELASTICSEARCH = "elasticsearch"


class Principal(StrEnum):
    """A user of Kafka, Redis, Elasticsearch and mongod, by the same name in each that knows it, with another
    password in each (`stack.passwords`); what it may do is declared with the store."""

    ADMIN = "admin"
    """The commands, health checks and tests of whoever owns the checkout: may do everything."""
    BROKER = "broker"
    """Kafka itself."""
    GATE = "gate"
    STORE = "store"
    INDEX = "index"
    FLINK = "flink"
    """The Flink job, not the cluster."""
    AIRFLOW = "airflow"
    """DAGs and pages: read the stores."""
    WATCH = "watch"
    """The monitor: reads only."""
    SHOP = "shop"
    """Whoever sends sessions: may only produce to the raw topic."""
