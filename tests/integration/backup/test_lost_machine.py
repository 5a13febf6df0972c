"""A machine loses everything but Kafka's log. A backup from before, and the log, bring all of it back.

The stack is one of its own beside the running one, in a copy of this checkout that shares what is installed.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import SecretStr
from waiting import until

from stack.environments import MARK
from stack.layout import HERE, Layout
from stack.settings import StackSettings
from streaming.contract import topics
from streaming.contract.topology import STAGES
from streaming.kafka import clients, offsets
from streaming.process.exit_code import ExitCode
from streaming.settings import KafkaSettings

CODE = ("stack", "streaming", "ml", "dags", "plugins", "dashboards")
INSTALLED = ("envs", "jars", "elasticsearch")
NAMES = tuple(stage.name for stage in STAGES)
PASSPHRASE = "a passphrase of this test alone"
REPEATED = 40


class Machine:
    """A checkout with a stack of its own."""

    def __init__(self, root: Path, offset: int) -> None:
        self.layout, self._offset = Layout(root), offset
        passphrase = root / "passphrase"
        passphrase.touch(0o600)
        passphrase.write_text(PASSPHRASE)
        foreign = ("VITRINE_", "MONGO_")
        self._variables = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        self._variables |= {
            "VITRINE_PORT_OFFSET": str(offset),
            "VITRINE_BACKUP_DIR": str(root / "backups"),
            "VITRINE_BACKUP_PASSPHRASE_FILE": str(passphrase),
        }

    def start(self, *words: str) -> subprocess.Popen[str]:
        command = [str(self.layout.python("main")), "-m", "stack", *words]
        return subprocess.Popen(
            command, cwd=self.layout.root, env=self._variables, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def ended(self, *words: str) -> tuple[int, str, str]:
        """The exit code of `./vitrine WORDS` and what it has printed."""
        with self.start(*words) as process:
            out, told = process.communicate()
        return process.returncode, out, told

    def vitrine(self, *words: str) -> Any:
        code, out, told = self.ended(*words, "--json")
        assert code == ExitCode.DONE, told
        return json.loads(out)

    @property
    def kafka(self) -> KafkaSettings:
        found = self.vitrine("environment")
        return KafkaSettings(
            bootstrap_servers=found["VITRINE_KAFKA_BOOTSTRAP_SERVERS"],
            client_properties=SecretStr(found["VITRINE_KAFKA_CLIENT_PROPERTIES"]),
        )

    def lose_all_but_the_log(self) -> None:
        """Kills every process, and leaves the log's disk, the code and what was installed."""
        supervisor = psutil.Process(int((self.layout.run / "supervisor.pid").read_text()))
        supervisor.suspend()  # it would start again what dies
        processes = [*supervisor.children(recursive=True), supervisor]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes)
        for entry in self.layout.state.iterdir():
            if entry.name not in (*INSTALLED, "stores", "homes"):
                remove(entry)
        for store in self.layout.stores.iterdir():
            if store.name != "kafka":
                remove(store)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def free_offset() -> int:
    def ports(offset: int) -> list[int]:
        settings = StackSettings(port_offset=offset)
        names = [name for name in StackSettings.model_fields if name.endswith("_port")]
        return [settings.port(name.removesuffix("_port")) for name in names]

    return next(offset for offset in range(3_050, 5_000, 110) if all(map(is_free, ports(offset))))


@pytest.fixture
def machine() -> Iterator[Machine]:
    root = Path(tempfile.mkdtemp(prefix="vitrine-lost-", dir="/var/tmp"))
    root.chmod(0o755)  # accounts of services go through it
    without = shutil.ignore_patterns("__pycache__")
    for name in CODE:
        shutil.copytree(HERE.root / name, root / name, ignore=without)
    for name in ("vitrine", "pyproject.toml"):
        shutil.copy(HERE.root / name, root / name)
    made = Machine(root, free_offset())
    made.layout.state.mkdir(mode=0o700)
    (made.layout.state / "jars").symlink_to(HERE.jars)
    for environment in ("main", "flink"):
        share(HERE.environment(environment), made.layout.environment(environment), root)
    yield made
    made.ended("down")
    shutil.rmtree(root)


def share(installed: Path, here: Path, root: Path) -> None:
    """Makes the Python environment `here`, of the checkout `root`, of what is in another."""
    here.mkdir(parents=True)
    for entry in installed.iterdir():
        if entry.name == MARK:
            (here / MARK).write_text(entry.read_text().replace(str(HERE.root), str(root)))
        else:
            (here / entry.name).symlink_to(entry)


def test_all_that_the_log_has_comes_back(machine: Machine) -> None:
    machine.vitrine("up", *NAMES)
    machine.vitrine("simulate", "--sessions", "1500", "--seed", "1")
    kafka = machine.kafka
    until(lambda: not any(offsets.lag(kafka, one.group, one.reads) for one in STAGES), "the stages' end")
    passwords = {file.name: file.read_bytes() for file in machine.layout.passwords.iterdir()}
    (machine.layout.data / "models" / "a-run").mkdir(parents=True)
    (machine.layout.data / "models" / "a-run" / "run.json").write_text("{}")
    # Sessions come in while the backup is made.
    with machine.start("simulate", "--sessions", "3000", "--seed", "2", "--rate", "500") as sending:
        backup = machine.vitrine("backup")
        sending.communicate()
    assert backup["encrypted"]
    machine.vitrine("simulate", "--sessions", "1500", "--seed", "3")
    before = machine.vitrine("reconcile", "--timeout", "600")
    assert before["holds"]
    code, _, told = machine.ended("restore")
    assert (code, "./vitrine down first" in told) == (ExitCode.INVALID_REQUEST, True), told

    machine.lose_all_but_the_log()
    began_s = time.monotonic()
    with machine.start("restore") as killed:
        assert killed.stderr is not None
        assert any("secrets" in line and "files" in line for line in killed.stderr)
        killed.send_signal(signal.SIGKILL)
    code, _, told = machine.ended("up", "kafka")
    assert (code, "was interrupted" in told) == (ExitCode.NOT_STARTED, True), told
    restored = machine.vitrine("restore")
    assert (restored["name"], restored["same_log"], restored["expired"]) == (backup["name"], True, {})
    machine.vitrine("up", *NAMES)
    repeat(machine.kafka)
    after = machine.vitrine("reconcile", "--timeout", "600")
    print(
        f"backup {backup['seconds']:.0f} s, restore {restored['seconds']:.0f} s, "
        f"all back after {time.monotonic() - began_s:.0f} s"
    )

    assert after["holds"], after["breaks"]
    for same in ("valid", "late", "rejected", "mongodb", "elasticsearch", "digests"):
        assert after[same] == before[same], same
    assert after["sent"] == before["sent"] + REPEATED
    assert after["duplicate"] == before["duplicate"] + REPEATED
    assert {file.name: file.read_bytes() for file in machine.layout.passwords.iterdir()} == passwords
    assert (machine.layout.data / "models" / "a-run" / "run.json").read_text() == "{}"

    # On a machine that has data, a restore is refused and names what would be lost.
    machine.vitrine("down")
    code, _, told = machine.ended("restore")
    assert code == ExitCode.INVALID_REQUEST, told
    assert f"{after['mongodb']:,} documents of sessions" in told


def repeat(kafka: KafkaSettings) -> None:
    """Sends valid sessions from before the loss again, as a shop does that has had no answer."""
    positions = [
        (session["rawPartition"], session["rawOffset"])
        for message in clients.read_all(kafka, topics.VALID)
        if (session := json.loads(message.value() or b""))
    ][:REPEATED]
    raw = {(one.partition(), one.offset()): one for one in clients.read_all(kafka, topics.RAW)}
    producer = clients.producer(kafka)
    for position in positions:
        message = raw[position]
        producer.produce(clients.name(kafka, topics.RAW), message.value(), message.key())
    producer.flush()
