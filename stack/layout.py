"""The paths of this checkout. Standard library only: imported before anything is installed."""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from stack.identity import Identity

# A unix socket's path may have 107 bytes, and supervisord appends a suffix to it while it starts.
SOCKET_PATH_MAX_BYTES = 90


@dataclass(frozen=True)
class Layout:
    """The folders of one checkout. Everything made by installing or running is below `state`."""

    root: Path

    @property
    def state(self) -> Path:
        return self.root / ".vitrine"

    @property
    def locks(self) -> Path:
        return self.root / "stack" / "locks"

    @property
    def uv(self) -> Path:
        return self.state / "uv" / "bin" / "uv"

    @property
    def jars(self) -> Path:
        return self.state / "jars"

    @property
    def run(self) -> Path:
        """Generated settings, secrets and the supervisor's files: readable by its owner only."""
        return self.state / "run"

    @property
    def passwords(self) -> Path:
        """The generated password of each user of the stores (stack/passwords.py)."""
        return self.run / "passwords"

    @property
    def flink_rest(self) -> Identity:
        """Of Flink's REST server and of everyone who may call it."""
        return Identity(self.run / "flink" / "keys" / "rest")

    @property
    def flink_internal(self) -> Identity:
        """Of Flink's processes when they talk to each other."""
        return Identity(self.run / "flink" / "keys" / "internal")

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def stores(self) -> Path:
        """Data of the services: Kafka's log, Redis' files, the databases, Flink's checkpoints."""
        return self.state / "stores"

    @property
    def data(self) -> Path:
        """Data of the DAGs: extracts, models, reports."""
        return self.state / "data"

    @property
    def airflow(self) -> Path:
        return self.state / "airflow"

    @property
    def socket(self) -> Path:
        """The supervisor's control socket: elsewhere if the checkout's path is too long for a socket."""
        inside = self.run / "supervisor.sock"
        if len(str(inside).encode()) <= SOCKET_PATH_MAX_BYTES:
            return inside
        return _private(os.geteuid()) / f"vitrine-{self.digest}" / "supervisor.sock"

    @property
    def states(self) -> Path:
        """The state of the services, which the accounts may read (`stack.process_states`)."""
        return self.run / "states.json"

    @property
    def port_rule(self) -> Path:
        """The table of `stack.port_rule` while it should be in force."""
        return self.run / "port-rule.nft"

    @property
    def digest(self) -> str:
        """Distinguishes this checkout from others of the machine."""
        return sha256(str(self.root).encode()).hexdigest()[:16]

    def environment(self, name: str) -> Path:
        """The Python environment `name`: main, airflow or flink."""
        return self.state / "envs" / name

    def python(self, name: str) -> Path:
        return self.environment(name) / "bin" / "python"

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"


def _private(uid: int) -> Path:
    """Where only root, or the user `uid`, can make a folder; otherwise the shared one, in which everybody can
    make one of a name first: a folder there is looked at before it is used (`stack.supervisor`)."""
    if uid == 0:
        return Path("/run")
    own = Path(f"/run/user/{uid}")
    return own if own.is_dir() else Path("/tmp") / f"vitrine-of-{uid}"


HERE = Layout(Path(__file__).resolve().parents[1])
