"""Elasticsearch, a single node on loopback, never run as root."""

import os
import pwd
import shutil
import zipfile
from base64 import b64encode
from pathlib import Path

from stack import certificates, elasticsearch_users, file_modes
from stack.health import HttpHealth
from stack.identity import Identity
from stack.service import Service, StackContext
from stack.settings import ADDRESS_VARIABLE
from streaming.settings import ElasticsearchSettings, variable

USER = "nobody"


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
    """Unpacks each version once. Unpacks into another folder and renames it: an incomplete one is never
    used."""
    unpacked = home / archive.stem
    if unpacked.exists():
        return
    partial = home / f"{archive.stem}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    with zipfile.ZipFile(archive) as files:
        files.extractall(partial)
    for script in (partial / archive.stem / "bin").iterdir():
        script.chmod(0o700)
    (partial / archive.stem).rename(unpacked)
    partial.rmdir()


def _prepare(place: StackContext) -> None:
    home = _home(place)
    _unzip(_archive(place), home)
    config = home / "config"
    shutil.copytree(home / _archive(place).stem / "config", config, dirs_exist_ok=True)
    (config / "elasticsearch.yml").write_text(settings_yaml(place))
    (config / "log4j2.properties").write_text(LOG4J)
    certificates.ensure(_transport(place), {"127.0.0.1", "localhost"})
    for name, content in _users(place).items():
        certificates.write(config / name, content.encode())
    for folder in _own(place):
        folder.mkdir(parents=True, exist_ok=True)
        if place.root:
            _change_owner(folder)
    if place.root:
        let_in(place)


def _users(place: StackContext) -> dict[str, str]:
    prefix = place.environment.get(variable(ElasticsearchSettings, "index_prefix"), "")
    return elasticsearch_users.files(prefix, place.password)


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
    home = _home(place)
    stores, logs = place.layout.stores, place.layout.logs
    return (home / "config", home / "tmp", stores / "elasticsearch", logs / "elasticsearch")


def group() -> int:
    """Returns the group of the user that Elasticsearch runs as if root starts it."""
    return pwd.getpwnam(USER).pw_gid


def let_in(place: StackContext) -> None:
    """Lets that user read the unpacked release and reach its own folders, and nothing else."""
    for unpacked in _home(place).glob("elasticsearch-*"):
        file_modes.lend(place.layout, unpacked, group())
    for folder in _own(place):
        if folder.exists():
            file_modes.let_through(place.layout, folder, group())


def _change_owner(folder: Path) -> None:
    """Makes the user that Elasticsearch runs as the owner of `folder` and its content."""
    user = pwd.getpwnam(USER)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid)


def _as_user(place: StackContext) -> tuple[str, ...]:
    """Returns the prefix that runs a command as USER if we are root: Elasticsearch refuses root. If others
    may not enter the checkout's folders (in a closed home, say), USER gets the right to read them, and no
    other."""
    if not place.root:
        return ()
    user = pwd.getpwnam(USER)
    identity = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    if all(
        parent.stat().st_mode & 0o005 == 0o005 for parent in (place.layout.root, *place.layout.root.parents)
    ):
        return ("setpriv", *identity)
    return ("setpriv", *identity, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")


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
            command=(*_as_user(place), str(unpacked / "bin" / "elasticsearch")),
            environment={
                "ES_PATH_CONF": str(home / "config"),
                "ES_JAVA_HOME": place.java_home,
                "ES_JAVA_OPTS": f"-Xms{heap}m -Xmx{heap}m",
                "ES_TMPDIR": str(home / "tmp"),
                "HOME": str(home / "tmp"),
            },
            configuration=settings_yaml(place) + LOG4J + "".join(_users(place).values()),
            directory=str(home / "tmp"),
            health=HttpHealth(f"{url}/_cluster/health", _ready, headers=_login(place)),
            ports=(place.settings.port("elasticsearch"), place.settings.port("elasticsearch_transport")),
            address=url,
            memory_mib=heap + 500,
            stop_timeout_s=40,
            prepare=lambda: _prepare(place),
            external="elasticsearch" in place.external,
        ),
    )
