"""Elasticsearch, a single node on loopback, which refuses to run as root."""

import os
import shutil
import subprocess
import zipfile
from base64 import b64encode
from functools import partial
from pathlib import Path

from stack import accounts, certificates, elasticsearch_users
from stack.health import HttpHealth
from stack.identity import Identity
from stack.principals import Store
from stack.service import SYSTEM_PATH, Service, StackContext, StackError
from stack.settings import ADDRESS_VARIABLE
from streaming.settings import ElasticsearchSettings, variable


def settings_yaml(place: StackContext) -> str:
    """Returns elasticsearch.yml. Users and roles come from files alone (stack/elasticsearch_users.py). HTTP
    is plain because the node is reachable from this machine only. The transport has mutual TLS: it takes
    whoever connects for a node, and believes what a node says about the user of a request."""
    own = _transport(place)
    pairs = {
        "cluster.name": "vitrine",
        "node.name": "vitrine",
        "discovery.type": "single-node",
        "http.host": "127.0.0.1",
        "http.port": place.settings.port("elasticsearch"),
        "transport.host": "127.0.0.1",
        "transport.port": place.settings.port("elasticsearch_transport"),
        "path.data": place.layout.stores / "elasticsearch",
        "path.logs": place.layout.logs / "elasticsearch",
        "xpack.security.enabled": "true",
        "xpack.security.autoconfiguration.enabled": "false",
        "xpack.security.http.ssl.enabled": "false",
        "xpack.security.transport.ssl.enabled": "true",
        "xpack.security.transport.ssl.verification_mode": "certificate",
        "xpack.security.transport.ssl.client_authentication": "required",
        "xpack.security.transport.ssl.key": own.key,
        "xpack.security.transport.ssl.certificate": own.certificate,
        "xpack.security.transport.ssl.certificate_authorities": own.certificate,
        "xpack.security.authc.realms.file.file1.order": 0,
        "xpack.security.authc.realms.native.native1.order": 1,
        "xpack.security.authc.realms.native.native1.enabled": "false",
        "xpack.security.authc.reserved_realm.enabled": "false",
        "action.auto_create_index": "false",
        # Otherwise a development disk that is 90 % full would make every index read-only.
        "cluster.routing.allocation.disk.threshold_enabled": "false",
    }
    return "".join(f"{name}: {value}\n" for name, value in pairs.items())


def _archive(place: StackContext) -> Path:
    return next((place.layout.jars / "elasticsearch").glob("elasticsearch-*.zip"))


def _transport(place: StackContext) -> Identity:
    """Returns the key of the transport. Elasticsearch reads nothing outside of its configuration."""
    return Identity(_home(place) / "config" / "transport")


def _home(place: StackContext) -> Path:
    return place.layout.state / "elasticsearch"


def _unzip(archive: Path, home: Path) -> None:
    """Unpacks the archive, whose checksum is pinned, unless what lies there is what is in it. Unpacks into
    another folder and renames it: an incomplete one is never used."""
    unpacked = home / archive.stem
    with zipfile.ZipFile(archive) as files:
        if _is_unpacked(files, home, unpacked):
            return
        shutil.rmtree(unpacked, ignore_errors=True)
        partial = home / f"{archive.stem}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        files.extractall(partial)
    for script in (partial / archive.stem / "bin").iterdir():
        script.chmod(0o700)
    (partial / archive.stem).rename(unpacked)
    partial.rmdir()


def _is_unpacked(files: zipfile.ZipFile, home: Path, unpacked: Path) -> bool:
    """True if `unpacked` holds what `files` hold, byte by byte, and nothing else: an added or changed library
    would run as Elasticsearch."""
    content = {home / one.filename: one for one in files.infolist() if not one.is_dir()}
    there = {path for path in unpacked.rglob("*") if path.is_symlink() or not path.is_dir()}
    return there == content.keys() and all(
        path.is_file() and not path.is_symlink() and path.read_bytes() == files.read(one)
        for path, one in content.items()
    )


def _prepare(place: StackContext) -> None:
    home = _home(place)
    _unzip(_archive(place), home)
    for folder in _own(place):
        folder.mkdir(parents=True, exist_ok=True)
    config = home / "config"
    if config.exists() and config.stat().st_uid != os.geteuid():
        shutil.rmtree(config)  # its owner could have made links in it, through which root would write
    shutil.copytree(home / _archive(place).stem / "config", config, dirs_exist_ok=True)
    (config / "elasticsearch.yml").write_text(settings_yaml(place))
    (config / "log4j2.properties").write_text(LOG4J)
    certificates.ensure(_transport(place), {"127.0.0.1", "localhost"})
    for name, content in _users(place).items():
        certificates.write(config / name, content.encode())
    _make_keystore(place)


def _make_keystore(place: StackContext) -> None:
    """Elasticsearch would make it itself, where its account may not write, and readable by a group."""
    keystore = _home(place) / "config" / "elasticsearch.keystore"
    if not keystore.exists():
        tool = _home(place) / _archive(place).stem / "bin" / "elasticsearch-keystore"
        made = subprocess.run(
            [str(tool), "create"],
            env={
                "PATH": SYSTEM_PATH,
                "ES_JAVA_HOME": place.java_home,
                "ES_PATH_CONF": str(keystore.parent),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise StackError(f"Elasticsearch's keystore could not be made:\n{made.stdout}{made.stderr}")
    keystore.chmod(0o600)


def _variables(place: StackContext) -> dict[str, str]:
    home = _home(place)
    return {
        "ES_PATH_CONF": str(home / "config"),
        "ES_JAVA_HOME": place.java_home,
        "ES_TMPDIR": str(home / "tmp"),
        "HOME": str(home / "tmp"),
    }


def _users(place: StackContext) -> dict[str, str]:
    prefix = place.value(ElasticsearchSettings, "index_prefix")
    return elasticsearch_users.files(prefix, partial(place.password, Store.ELASTICSEARCH))


def _login(place: StackContext) -> dict[str, str]:
    """Returns the header with which the settings log in; none if they have no credentials."""
    names = ("api_key", "username", "password")
    key, user, password = (place.environment.get(variable(ElasticsearchSettings, name), "") for name in names)
    if key:
        return {"Authorization": f"ApiKey {key}"}
    if not user:
        return {}
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def _own(place: StackContext) -> tuple[Path, ...]:
    """Returns the folders that Elasticsearch writes to."""
    stores, logs = place.layout.stores, place.layout.logs
    return (_home(place) / "tmp", stores / "elasticsearch", logs / "elasticsearch")


LOG4J = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


def _ready(health: dict[str, str]) -> str | None:
    return None if health["status"] in ("yellow", "green") else f"the cluster is {health['status']}"


def services(place: StackContext) -> tuple[Service, ...]:
    """Returns Elasticsearch, one node."""
    url = place.environment[ADDRESS_VARIABLE["elasticsearch"]]
    heap, home = place.settings.elasticsearch_heap_mib, _home(place)
    archives = list((place.layout.jars / "elasticsearch").glob("elasticsearch-*.zip"))
    unpacked = home / archives[0].stem if archives else home
    return (
        Service(
            name="elasticsearch",
            command=(str(unpacked / "bin" / "elasticsearch"),),
            environment={**_variables(place), "ES_JAVA_OPTS": f"-Xms{heap}m -Xmx{heap}m"},
            configuration=settings_yaml(place) + LOG4J + "".join(_users(place).values()),
            directory=str(home / "tmp"),
            health=HttpHealth(f"{url}/_cluster/health", _ready, headers=_login(place)),
            ports=(place.settings.port("elasticsearch"), place.settings.port("elasticsearch_transport")),
            address=url,
            memory_mib=heap + 500,
            stop_timeout_s=40,
            prepare=lambda: _prepare(place),
            external="elasticsearch" in place.external,
            account=accounts.ELASTICSEARCH,
            writes=_own(place),
            reads=(unpacked, home / "config"),
        ),
    )
