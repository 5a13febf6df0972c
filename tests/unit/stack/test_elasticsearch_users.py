"""Each user of Elasticsearch has a role with what it needs."""

from base64 import b64decode
from functools import partial
from hashlib import pbkdf2_hmac

import yaml

from stack import elasticsearch_users
from stack.components import elasticsearch
from stack.principals import Principal, Store
from stack.service import StackContext
from streaming.contract import topics

CHANGING = {"all", "write", "index", "create", "delete", "delete_index", "manage", "create_index"}


def test_only_the_index_stage_and_the_admin_write_and_airflow_deletes_slices() -> None:
    roles = elasticsearch_users.roles("my-")
    assert roles.keys() == {"index", "airflow", "watch"}
    for name, may in (("airflow", {"delete_index"}), ("watch", set())):
        [on] = roles[name]["indices"]
        assert CHANGING & set(on["privileges"]) == may
        assert not {"manage", "all"} & set(roles[name].get("cluster", ()))
    [indexing] = roles["index"]["indices"]
    assert indexing["names"] == [f"my-{name}{slices}" for name in topics.INDEXED for slices in ("", "-*")]
    assert not {"all", "delete_index", "manage"} & set(indexing["privileges"])


def test_the_files_contain_digests_only_and_stay_the_same(place: StackContext) -> None:
    password = partial(place.password, Store.ELASTICSEARCH)
    files = elasticsearch_users.files("", password)
    assert files == elasticsearch_users.files("", password)
    assert not [one for one in Principal if password(one) in str(files)]
    assert files["users_roles"].splitlines() == [
        "index:index",
        "airflow:airflow",
        "watch:watch",
        "superuser:admin",
    ]
    assert yaml.safe_load(files["roles.yml"]) == elasticsearch_users.roles("")
    assert {line for line in files["roles.yml"].splitlines() if line[0].isalpha()} == {
        "airflow:",
        "index:",
        "watch:",
    }
    for line in files["users"].splitlines():
        user, digest = line.split(":")
        iterations, salt, key = digest.removeprefix("{PBKDF2}").split("$")
        known = password(Principal(user)).encode()
        assert pbkdf2_hmac("sha512", known, b64decode(salt), int(iterations), 32) == b64decode(key)


def test_elasticsearch_knows_no_other_users(place: StackContext) -> None:
    text = elasticsearch.settings_yaml(place)
    for line in (
        "xpack.security.enabled: true",
        "xpack.security.transport.ssl.client_authentication: required",
        "xpack.security.authc.reserved_realm.enabled: false",
        "xpack.security.authc.realms.native.native1.enabled: false",
    ):
        assert f"{line}\n" in text
    assert "anonymous" not in text
