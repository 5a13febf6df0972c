"""The same addresses, said in Airflow's way: values for AIRFLOW_CONN_* (JSON, for URIs cannot say
everything)."""

import json
from urllib.parse import parse_qsl, unquote, urlsplit

from streaming.adapters import kafka
from streaming.events import extraction_due
from streaming.settings import KafkaSettings, MongoSettings

SRV = "mongodb+srv"


def mongo(settings: MongoSettings) -> str:
    """For the mongo provider's hook, which puts scheme, credentials, host and database together again and
    hands the options to the client. The host keeps its port, or all the hosts of a replica set theirs."""
    uri = urlsplit(settings.uri.get_secret_value())
    credentials, _, hosts = uri.netloc.rpartition("@")
    login, _, password = credentials.partition(":")
    options: dict[str, object] = dict(parse_qsl(uri.query))
    if uri.scheme == SRV:
        options["srv"] = True
    connection: dict[str, object] = {"conn_type": "mongo", "host": hosts, "extra": options}
    if login:
        connection |= {"login": unquote(login), "password": unquote(password)}
    if database := uri.path.removeprefix("/"):
        connection["schema"] = database
    return json.dumps(connection)


def kafka_trigger(settings: KafkaSettings) -> str:
    """For the kafka provider's trigger. It begins at the oldest message: a needless run is skipped, a message
    missed would leave sessions waiting for the next hour."""
    client = kafka.properties(settings) | {
        "group.id": kafka.name(settings, extraction_due.GROUP),
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
    }
    return json.dumps({"conn_type": "kafka", "extra": client})
