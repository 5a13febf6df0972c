"""A standalone Flink cluster from the Python wheel, and the service that keeps the job running on it."""

import secrets
import shutil
import ssl
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from stack import accounts, certificates, doors
from stack.components import beam_on_loopback
from stack.health import HttpHealth
from stack.principals import Principal, Store
from stack.service import SYSTEM_PATH, Service, StackContext, StackError
from stack.settings import ADDRESS_VARIABLE
from streaming.contract.topology import FLINK_JOB
from streaming.flink.cluster import trust
from streaming.settings import FlinkRestSettings, KafkaSettings, PseudonymSettings
from streaming.summaries.settings import JobSettings, WindowSettings, job_name
from streaming.words.settings import WordSettings

PYFLINK = Path("lib/python3.11/site-packages/pyflink")
TLS = {
    "security.ssl.rest.enabled": True,
    "security.ssl.rest.authentication-enabled": True,
    "security.ssl.internal.enabled": True,
}

LOG4J = """
# Flink's client would log its environment, in which are the password of the job and the user's settings.
logger.vitrine_environment.name = org.apache.flink.client.python.PythonEnvUtils
logger.vitrine_environment.level = WARN
"""


def home(place: StackContext) -> Path:
    """Returns FLINK_HOME: the distribution inside the wheel."""
    return place.layout.environment("flink") / PYFLINK


def variables(place: StackContext) -> dict[str, str]:
    """Returns the environment variables for Flink's scripts, including its command line."""
    run = place.layout.run / "flink"
    return {
        "FLINK_HOME": str(home(place)),
        "FLINK_CONF_DIR": str(run / "conf"),
        "FLINK_LIB_DIR": str(run / "lib"),
        "FLINK_OPT_DIR": str(home(place) / "opt"),
        "FLINK_PID_DIR": str(run / "pids"),
        "FLINK_LOG_DIR": str(place.layout.logs / "flink"),
        "FLINK_IDENT_STRING": "vitrine",
        "MAX_LOG_FILE_NUMBER": "3",
        "JAVA_HOME": place.java_home,
        # The interpreter inside the TaskManager uses the environment of the first python3 on the PATH.
        "PATH": f"{place.layout.environment('flink') / 'bin'}:{SYSTEM_PATH}",
    }


def rest(place: StackContext) -> FlinkRestSettings:
    """Returns the address of Flink's REST server and the certificate to show there."""
    names = {name: f"VITRINE_FLINK_{name.upper()}" for name in FlinkRestSettings.model_fields}
    given = {name: place.environment[one] for name, one in names.items() if one in place.environment}
    return FlinkRestSettings.model_validate(given)


def settings(place: StackContext, module_flags: str) -> dict[str, Any]:
    """Returns config.yaml as flat keys. `module_flags`: the JVM options that the release ships with."""
    ports, python = place.settings, str(place.layout.python("flink"))
    return {
        # Flink goes on after such an error in another thread, and then waits for that thread for ever.
        "env.java.opts.all": f"{module_flags} -XX:+ExitOnOutOfMemoryError",
        "jobmanager.rpc.address": "127.0.0.1",
        "jobmanager.rpc.port": ports.port("flink_rpc"),
        "jobmanager.bind-host": "127.0.0.1",
        "jobmanager.memory.process.size": f"{ports.flink_jobmanager_mib}m",
        "jobmanager.execution.failover-strategy": "region",
        "blob.server.port": str(ports.port("flink_blob")),
        "taskmanager.host": "127.0.0.1",
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.rpc.port": str(ports.port("flink_taskmanager")),
        "taskmanager.data.port": ports.port("flink_data"),
        # By default any free one, which no rule could name.
        "metrics.internal.query-service.port": doors.beam_ports(place),
        # A TaskManager that follows a killed one may never get through to the JobManager; the next one does.
        "taskmanager.registration.timeout": "60 s",
        "taskmanager.numberOfTaskSlots": ports.flink_slots,
        "taskmanager.memory.process.size": f"{ports.flink_taskmanager_mib}m",
        # RocksDB's caches are in it: it is divided by the slots, and .7 of a slot's part is RocksDB's.
        "taskmanager.memory.managed.size": "320m",
        "taskmanager.memory.network.min": "64m",
        "taskmanager.memory.network.max": "64m",
        # The job's state is in this folder, not in /tmp, which may be in memory. The id is fixed, so that a
        # TaskManager deletes what a killed one left.
        "process.taskmanager.working-dir": f"{place.layout.stores}/flink/working",
        "taskmanager.resource-id": "taskmanager",
        # It writes a line for every file of every checkpoint, and a killed TaskManager leaves its file.
        "state.backend.rocksdb.log.level": "ERROR_LEVEL",
        "parallelism.default": 1,
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "rest.port": ports.port("flink"),
        "web.submit.enable": False,
        # No button for it: in the Airflow UI the page only shows.
        "web.cancel.enable": False,
        # The default allows every origin and cannot be turned off. Flink's own page needs no permission.
        "web.access-control-allow-origin": f"https://127.0.0.1:{ports.port('flink')}",
        "execution.checkpointing.dir": f"file://{place.layout.stores}/flink/checkpoints",
        "execution.checkpointing.savepoint-dir": f"file://{place.layout.stores}/flink/savepoints",
        # The job continues from the newest. Nothing would delete older ones once the job has stopped.
        "execution.checkpointing.num-retained": 1,
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # Kafka or the TaskManager may be unavailable for any length of time: never give up, but slow down.
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "10 s",
        "restart-strategy.exponential-delay.backoff-multiplier": 1.5,
        "heartbeat.timeout": "20 s",
        # The default of 10 s is too short for the TLS set-up while other services start.
        "pekko.startup-timeout": "120 s",
        "python.executable": python,
        "python.client.executable": python,
        "python.execution-mode": "thread",
    }


def security(place: StackContext) -> dict[str, Any]:
    """Returns the part of config.yaml for mutual TLS: one certificate for REST, another for connections
    between Flink's processes. It holds passwords."""
    rest, internal = place.layout.flink_rest, place.layout.flink_internal
    return {
        **TLS,
        **_stores("rest", rest.store, rest.store, rest.password_text()),
        **_stores("internal", internal.store, internal.store, internal.password_text()),
    }


def _stores(between: str, keys: Path, trusted: Path, password: str) -> dict[str, str]:
    prefix = f"security.ssl.{between}"
    return {
        f"{prefix}.keystore": str(keys),
        f"{prefix}.keystore-type": "PKCS12",
        f"{prefix}.keystore-password": password,
        f"{prefix}.key-password": password,
        f"{prefix}.truststore": str(trusted),
        f"{prefix}.truststore-type": "PKCS12",
        f"{prefix}.truststore-password": password,
    }


def elsewhere(place: StackContext) -> dict[str, Any]:
    """Returns the part of config.yaml for submitting the job to an external cluster. Writes the user's PEM
    files as the key stores that Java needs; raises StackError if they cannot be read as such."""
    there, folder = rest(place), place.layout.run / "flink" / "keys" / "elsewhere"
    address = urlsplit(there.url)
    if address.scheme != "https":
        return {"rest.address": address.hostname, "rest.port": address.port or 80}
    password, keys, trusted = secrets.token_urlsafe(32), folder / "store.p12", folder / "trusted.p12"
    authorities = there.ca_file or Path(ssl.get_default_verify_paths().cafile or "")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        certificates.write(trusted, certificates.trust_store(authorities, password))
        if there.certificate_file:
            key, of_key = there.key_file or there.certificate_file, there.key_password.get_secret_value()
            made = certificates.store(there.certificate_file, key, of_key, password)
            certificates.write(keys, made)
    except (OSError, ValueError, TypeError) as error:
        raise StackError(
            f"Flink at {there.url} cannot be reached with the files of VITRINE_FLINK_CA_FILE, "
            f"VITRINE_FLINK_CERTIFICATE_FILE and VITRINE_FLINK_KEY_FILE: {error}"
        ) from None
    return {
        "rest.address": address.hostname,
        "rest.port": address.port or 443,
        "security.ssl.rest.enabled": True,
        "security.ssl.rest.authentication-enabled": there.certificate_file is not None,
        **_stores("rest", keys, trusted, password),
    }


def _prepare(place: StackContext) -> None:
    host = urlsplit(place.environment[ADDRESS_VARIABLE["flink"]]).hostname or "localhost"
    for identity in (place.layout.flink_rest, place.layout.flink_internal):
        certificates.ensure(identity, {"127.0.0.1", "localhost", host})
    _configure(place, security(place))


def _configure(place: StackContext, more: dict[str, Any]) -> None:
    """Writes folders, libraries and config.yaml with `more` in it."""
    for name in ("pids", "tmp"):
        (place.layout.run / "flink" / name).mkdir(parents=True, exist_ok=True)
    (place.layout.logs / "flink").mkdir(parents=True, exist_ok=True)
    (place.layout.stores / "flink").mkdir(parents=True, exist_ok=True)
    _write_settings(place, more)
    _link_libraries(place, place.layout.run / "flink" / "lib")


def _write_settings(place: StackContext, more: dict[str, Any]) -> None:
    """Writes config.yaml. Called before the start of either process: both read the same file, and one of them
    may be restarted alone."""
    folder, shipped = place.layout.run / "flink" / "conf", home(place)
    folder.mkdir(parents=True, exist_ok=True)
    for file in (shipped / "conf").glob("log*"):
        own = LOG4J if file.suffix == ".properties" else ""
        (folder / file.name).write_text(file.read_text() + own)
    flags = yaml.safe_load((shipped / "conf" / "config.yaml").read_text())["env"]["java"]["opts"]["all"]
    config = yaml.safe_dump(settings(place, flags) | more, width=100_000)
    certificates.write(folder / "config.yaml", config.encode())


def _read_by(place: StackContext, *others: str) -> str:
    """Returns the settings that a process reads: all but those that begin with one of `others`."""
    return yaml.safe_dump(
        {name: value for name, value in (settings(place, "") | TLS).items() if not name.startswith(others)}
    )


def _login_of_the_job(place: StackContext) -> str:
    """Returns a text that changes with the password that the job shows to Kafka. A job keeps the one that it
    was submitted with: a cluster that is started anew gets it anew, from its checkpoint."""
    return sha256(place.password(Store.KAFKA, Principal.FLINK).encode()).hexdigest()


def _link_libraries(place: StackContext, folder: Path) -> None:
    """Makes the lib folder: the release's jars, the Kafka connector, and flink-python. flink-python must be
    loaded once for all jobs: if each job loads it, the second job in thread mode fails."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shipped = home(place)
    [python] = (shipped / "opt").glob("flink-python-*.jar")
    for jar in (*(shipped / "lib").glob("*.jar"), python, *(place.layout.jars / "flink").glob("*.jar")):
        (folder / jar.name).symlink_to(jar)
    # Flink sorts its class path by name, so this jar comes before flink-python.
    [compiler] = (place.layout.jars / "ecj").glob("*.jar")
    java = Path(place.java_home) / "bin" / "java"
    beam_on_loopback.write_jar(java, compiler, python, folder / "beam-on-loopback.jar")


def _has_web_page(overview: dict[str, Any]) -> str | None:
    return None if "flink-version" in overview else "the JobManager's overview has no version"


def _has_slots(overview: dict[str, Any]) -> str | None:
    return None if overview["slots-total"] > 0 else "no TaskManager has registered its slots yet"


def _job(place: StackContext) -> str:
    return job_name(KafkaSettings(topic_prefix=place.value(KafkaSettings, "topic_prefix")))


def checkpoints(place: StackContext) -> str:
    """Returns the URI of the folder of the job's checkpoints, which has a folder for each state backend. No
    other job writes to it."""
    own = f"file://{place.layout.stores}/flink/{_job(place)}"
    return place.environment.get("VITRINE_FLINK_CHECKPOINT_DIR", own)


def _runs(job: str) -> Callable[[dict[str, Any]], str | None]:
    def reason(overview: dict[str, Any]) -> str | None:
        """The job runs when all its tasks run: its own state is RUNNING even while they fail to start."""
        found = [one for one in overview["jobs"] if one["name"] == job]
        if not found:
            return f"the job {job} is not submitted"
        if any(one["tasks"]["running"] == one["tasks"]["total"] > 0 for one in found):
            return None
        return f"the job {job} is {found[-1]['state'].lower()}, and not all its tasks run"

    return reason


def services(place: StackContext) -> tuple[Service, ...]:
    """Returns Flink's services: JobManager, TaskManager and the job."""
    url = place.environment[ADDRESS_VARIABLE["flink"]]
    external = "flink" in place.external
    trusting = partial(trust, rest(place))
    ports = place.settings
    bin_folder = home(place) / "bin"
    jobmanager = Service(
        name="flink-jobmanager",
        command=(str(bin_folder / "jobmanager.sh"), "start-foreground"),
        environment=variables(place),
        configuration=_read_by(place, "taskmanager.") + _login_of_the_job(place),
        health=HttpHealth(f"{url}/overview", _has_web_page, trusting),
        ports=(ports.port("flink"), ports.port("flink_rpc"), ports.port("flink_blob")),
        address=url,
        memory_mib=600,
        prepare=lambda: _prepare(place),
        external=external,
    )
    taskmanager = Service(
        name="flink-taskmanager",
        command=(str(bin_folder / "taskmanager.sh"), "start-foreground"),
        environment=variables(place) | {"VITRINE_FLINK_BEAM_PORTS": doors.beam_ports(place)},
        configuration=_read_by(place, "jobmanager.memory.", "rest.", "web."),
        needs=("flink-jobmanager",),
        health=HttpHealth(f"{url}/overview", _has_slots, trusting),
        ports=(ports.port("flink_taskmanager"), ports.port("flink_data")),
        memory_mib=1100,
        prepare=lambda: _write_settings(place, security(place)),
        external=external,
    )
    job = Service(
        name=FLINK_JOB.name,
        command=(str(place.layout.python("main")), "-m", "streaming.summaries.submitter"),
        environment=place.passed(
            Principal.FLINK,
            KafkaSettings,
            PseudonymSettings,
            JobSettings,
            WindowSettings,
            WordSettings,
            FlinkRestSettings,
        )
        | variables(place)
        | {
            "VITRINE_FLINK_CHECKPOINT_DIR": checkpoints(place),
            # The command line logs to a file of this name, and root's commands use it too.
            "FLINK_IDENT_STRING": "vitrine-job",
            # Its folder /tmp/pyflink is that of whoever came first.
            "JVM_ARGS": f"-Djava.io.tmpdir={place.layout.run}/flink/tmp",
        },
        needs=("flink-taskmanager", "kafka"),
        health=HttpHealth(f"{url}/jobs/overview", _runs(_job(place)), trusting),
        memory_mib=80,
        start_timeout_s=300,
        prepare=(lambda: _configure(place, elsewhere(place))) if external else None,
    )
    return tuple(
        replace(one, account=accounts.FLINK, writes=_written(place), reads=_read(place))
        for one in (jobmanager, taskmanager, job)
    )


def _written(place: StackContext) -> tuple[Path, ...]:
    layout = place.layout
    return (
        layout.stores / "flink",
        layout.logs / "flink",
        layout.run / "flink" / "pids",
        layout.run / "flink" / "tmp",
    )


def _read(place: StackContext) -> tuple[Path, ...]:
    own = place.layout.run / "flink"
    keys = (place.layout.flink_rest.folder, place.layout.flink_internal.folder, own / "keys" / "elsewhere")
    return (own / "conf", own / "lib", *keys)
