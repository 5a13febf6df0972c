"""The mongo provider's hook splits a URI and joins it again: the result must be equivalent."""

import json

import pytest
from airflow.providers.mongo.hooks.mongo import MongoHook
from pymongo import MongoClient

from stack.components.airflow import mongo_connection


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://127.0.0.1:27117",
        "mongodb://127.0.0.1:27117/",
        "mongodb://mongo",
        "mongodb://ann:p%40ss%2Fw%3Ard@mongo:27018/shop?authSource=admin",
        "mongodb://a:27017,b:27018,c:27019/?replicaSet=rs0&w=majority&retryWrites=true&connectTimeoutMS=3000",
        "mongodb://mongo:27017/?tls=true&tlsAllowInvalidCertificates=true",
    ],
)
def test_same_server_credentials_and_options(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MONGO_DEFAULT", json.dumps(mongo_connection(uri)))
    straight: MongoClient[dict[str, object]] = MongoClient(uri)
    with MongoHook() as hook:
        through = hook.get_conn()
        assert through._topology_settings.seeds == straight._topology_settings.seeds
        assert through.options.pool_options._credentials == straight.options.pool_options._credentials
        assert through.options._options == straight.options._options
    straight.close()


def test_a_seed_list_in_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = mongo_connection("mongodb+srv://ann:secret@cluster.example.net/shop")
    monkeypatch.setenv("AIRFLOW_CONN_MONGO_DEFAULT", json.dumps(connection))
    assert MongoHook().uri == "mongodb+srv://ann:secret@cluster.example.net/shop"
