"""A standalone Flink cluster out of the Python wheel, and the watcher that keeps the job running on it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from stack.components import beam_on_loopback
from stack.health import HttpHealth
from stack.service import SYSTEM_PATH, Place, Service
from stack.settings import ADDRESS_VARIABLE
from streaming.settings import KafkaSettings
from streaming.summaries.settings import JobSettings

PYFLINK = Path("lib/python3.11/site-packages/pyflink")
JOB = "streaming/summaries/job.py"


def home(place: Place) -> Path:
    """FLINK_HOME: the distribution inside the wheel."""
    return place.layout.environment("flink") / PYFLINK


def variables(place: Place) -> dict[str, str]:
    """What Flink's scripts, its command line among them, are run with."""
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
        # The interpreter inside the TaskManager finds its environment by the first python3 on the path.
        "PATH": f"{place.layout.environment('flink') / 'bin'}:{SYSTEM_PATH}",
    }


def settings(place: Place, module_flags: str) -> dict[str, Any]:
    """config.yaml, flat keys. `module_flags`: the JVM options that the release ships with."""
    ports, python = place.settings, str(place.layout.python("flink"))
    return {
        "env.java.opts.all": module_flags,
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
        "taskmanager.numberOfTaskSlots": ports.flink_slots,
        "taskmanager.memory.process.size": f"{ports.flink_taskmanager_mib}m",
        "taskmanager.memory.managed.size": "192m",
        "taskmanager.memory.network.min": "64m",
        "taskmanager.memory.network.max": "64m",
        "parallelism.default": 1,
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "rest.port": ports.port("flink"),
        "web.submit.enable": False,
        "execution.checkpointing.dir": f"file://{place.layout.stores}/flink/checkpoints",
        "execution.checkpointing.savepoint-dir": f"file://{place.layout.stores}/flink/savepoints",
        "execution.checkpointing.num-retained": 3,
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # An outage of Kafka or of the TaskManager lasts as long as it lasts: never give up, but slow down.
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "10 s",
        "restart-strategy.exponential-delay.backoff-multiplier": 1.5,
        "heartbeat.timeout": "20 s",
        "python.executable": python,
        "python.client.executable": python,
        "python.execution-mode": "thread",
    }


def _prepare(place: Place) -> None:
    (place.layout.run / "flink" / "pids").mkdir(parents=True, exist_ok=True)
    (place.layout.logs / "flink").mkdir(parents=True, exist_ok=True)
    _write_settings(place)
    _link_libraries(place, place.layout.run / "flink" / "lib")


def _write_settings(place: Place) -> None:
    """Before the start of either process: they read one file, and only one of them may be restarted."""
    folder, shipped = place.layout.run / "flink" / "conf", home(place)
    folder.mkdir(parents=True, exist_ok=True)
    for file in (shipped / "conf").glob("log*"):
        shutil.copyfile(file, folder / file.name)
    flags = yaml.safe_load((shipped / "conf" / "config.yaml").read_text())["env"]["java"]["opts"]["all"]
    (folder / "config.yaml").write_text(yaml.safe_dump(settings(place, flags), width=100_000))


def _read_by(place: Place, *others: str) -> str:
    """The settings that concern a process: all but those that begin with one of `others`."""
    return yaml.safe_dump(
        {name: value for name, value in settings(place, "").items() if not name.startswith(others)}
    )


def _link_libraries(place: Place, folder: Path) -> None:
    """The lib folder: the release's own jars, the Kafka connector, and flink-python, which must be loaded
    once for all jobs: where each job loads it, the second one in thread mode fails."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shipped = home(place)
    [python] = (shipped / "opt").glob("flink-python-*.jar")
    for jar in (*(shipped / "lib").glob("*.jar"), python, *(place.layout.jars / "flink").glob("*.jar")):
        (folder / jar.name).symlink_to(jar)
    # Flink orders its class path by name: this one comes before flink-python.
    beam_on_loopback.write_jar(python, folder / "beam-on-loopback.jar")


def _has_web_page(overview: dict[str, Any]) -> str | None:
    return None if "flink-version" in overview else "the JobManager's overview has no version"


def _has_slots(overview: dict[str, Any]) -> str | None:
    return None if overview["slots-total"] > 0 else "no TaskManager has registered its slots yet"


def job_name(place: Place) -> str:
    """What the job of this stack is called on the cluster."""
    return place.environment.get("VITRINE_KAFKA_TOPIC_PREFIX", "") + "session-summaries"


def checkpoints(place: Place) -> str:
    """Where the job keeps its checkpoints, as a URI: a folder that no other job writes to."""
    own = f"file://{place.layout.stores}/flink/{job_name(place)}"
    return place.environment.get("VITRINE_FLINK_CHECKPOINT_DIR", own)


def _runs(job: str) -> Callable[[dict[str, Any]], str | None]:
    def reason(overview: dict[str, Any]) -> str | None:
        """The job is running when all its tasks are: its own state says so while they still fail to start."""
        found = [one for one in overview["jobs"] if one["name"] == job]
        if not found:
            return f"the job {job} is not submitted"
        if any(one["tasks"]["running"] == one["tasks"]["total"] > 0 for one in found):
            return None
        return f"the job {job} is {found[-1]['state'].lower()}, and not all its tasks run"

    return reason


def services(place: Place) -> tuple[Service, ...]:
    url = place.environment[ADDRESS_VARIABLE["flink"]]
    external = "flink" in place.external
    ports = place.settings
    bin_folder = home(place) / "bin"
    jobmanager = Service(
        name="flink-jobmanager",
        command=(str(bin_folder / "jobmanager.sh"), "start-foreground"),
        environment=variables(place),
        configuration=_read_by(place, "taskmanager."),
        health=HttpHealth(f"{url}/overview", _has_web_page),
        ports=(ports.port("flink"), ports.port("flink_rpc"), ports.port("flink_blob")),
        address=url,
        memory_mib=600,
        prepare=lambda: _prepare(place),
        external=external,
    )
    taskmanager = Service(
        name="flink-taskmanager",
        command=(str(bin_folder / "taskmanager.sh"), "start-foreground"),
        environment=variables(place),
        configuration=_read_by(place, "jobmanager.memory.", "rest.", "web."),
        needs=("flink-jobmanager",),
        health=HttpHealth(f"{url}/overview", _has_slots),
        ports=(ports.port("flink_taskmanager"), ports.port("flink_data")),
        memory_mib=1100,
        prepare=lambda: _write_settings(place),
        external=external,
    )
    job = Service(
        name="flink-job",
        command=(str(place.layout.python("main")), "-m", "stack.flink_job"),
        environment=place.passed(KafkaSettings, JobSettings, ADDRESS_VARIABLE["flink"])
        | variables(place)
        | {"VITRINE_FLINK_CHECKPOINT_DIR": checkpoints(place)},
        needs=("flink-taskmanager", "kafka"),
        health=HttpHealth(f"{url}/jobs/overview", _runs(job_name(place))),
        memory_mib=80,
    )
    return (jobmanager, taskmanager, job)
