"""The programs needed beside Python; installs missing ones as Debian packages. Standard library only."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

JAVA_MIN_VERSION = 17
LOCK_TIMEOUT_S = 300
"""How long apt waits for another that installs, such as the first start of a second checkout."""


class Missing(Exception):
    """Something needed could not be installed; the message names the command that would install it."""


@dataclass(frozen=True)
class Tool:
    """A program and the Debian package that contains it."""

    name: str
    package: str
    purpose: str

    def present(self) -> bool:
        if self.name == "java":
            return bool(java_home())
        return shutil.which(self.name, path=_path()) is not None


JAVA = Tool("java", "openjdk-17-jre-headless", "Kafka, Flink and Elasticsearch run on Java 17")
MAVEN = Tool("mvn", "maven", "Maven fetches Kafka's, Flink's and Elasticsearch's jars")
REDIS = Tool("redis-server", "redis-server", "Redis holds the filters of the first stage")
NFT = Tool("nft", "nftables", "a rule keeps other users of this machine from ports without a password")
CHROMIUM = Tool("chromium", "chromium", "the browser tests check the rendered pages")
PROMTOOL = Tool("promtool", "prometheus", "the example alerts are tested with Prometheus' own tool")


def install(tools: Iterable[Tool]) -> None:
    """Installs missing `tools` with apt, after printing why root is needed.
    Raises Missing, naming the command, if that fails."""
    missing = [tool for tool in tools if not tool.present()]
    if not missing:
        return
    packages = [tool.package for tool in missing]
    by_hand = f"apt-get update && apt-get install --no-install-recommends {' '.join(packages)}"
    why = "; ".join(f"{tool.package}: {tool.purpose}" for tool in missing)
    if shutil.which("apt-get") is None:
        raise Missing(
            f"This machine lacks {', '.join(tool.name for tool in missing)} ({why}). On Debian: {by_hand}"
        )
    apt = [*_as_root(by_hand, why), "apt-get", "-q", "-y", "-o", f"DPkg::Lock::Timeout={LOCK_TIMEOUT_S}"]
    print(f"Installing Debian packages ({why}). This needs root.", file=sys.stderr, flush=True)
    # Debian would start a newly installed server on its default port, which nothing here uses.
    with _NoAutostart():
        for step in (["update"], ["install", "--no-install-recommends", *packages]):
            # Not ours: what packages write as they are set up is for everybody on the machine.
            done = subprocess.run([*apt, *step], capture_output=True, text=True, check=False, umask=0o022)
            if done.returncode:
                end = (done.stdout + done.stderr)[-1500:]
                raise Missing(f"Debian's packages could not be installed:\n{end}\nTry as root: {by_hand}")
    if still := [tool.name for tool in missing if not tool.present()]:
        raise Missing(f"After the installation {', '.join(still)} cannot be found. Try as root: {by_hand}")


def _as_root(by_hand: str, why: str) -> list[str]:
    """Returns the prefix that makes a command run as root. Raises Missing if there is no way to."""
    noninteractive = ["env", "DEBIAN_FRONTEND=noninteractive"]
    if os.geteuid() == 0:
        return noninteractive
    if shutil.which("sudo") is None:
        raise Missing(f"Root is needed once ({why}), and there is no sudo. As root: {by_hand}")
    sudo = ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]
    if subprocess.run([*sudo, "true"], check=False).returncode:
        raise Missing(f"Root is needed once ({why}), and sudo refused. As root: {by_hand}")
    return [*sudo, *noninteractive]


class _NoAutostart:
    """Keeps packages from starting their services: while it exists, policy-rc.d forbids it (Debian)."""

    _file = Path("/usr/sbin/policy-rc.d")

    def __init__(self) -> None:
        self._made_here = os.geteuid() == 0 and not self._file.exists()

    def __enter__(self) -> None:
        if self._made_here:
            self._file.write_text("#!/bin/sh\nexit 101\n")
            self._file.chmod(0o755)

    def __exit__(self, *raised: object) -> None:
        if self._made_here:
            self._file.unlink(missing_ok=True)


def mongod() -> str | None:
    """Returns the path of a mongod; None if the machine has none, and the embedded server is used."""
    return shutil.which("mongod")


def java_home() -> str:
    """Returns the folder of a Java 17 or, failing that, the oldest newer one; empty if there is none."""
    candidates = [os.environ.get("JAVA_HOME", ""), *map(str, sorted(Path("/usr/lib/jvm").glob("*17*")))]
    if found := shutil.which("java"):
        candidates.append(str(Path(found).resolve().parents[1]))
    usable = [home for home in candidates if home and java_version(home) >= JAVA_MIN_VERSION]
    return min(usable, key=java_version, default="")


def java_version(home: str) -> int:
    """Returns the major version of the Java in `home`; 0 if there is none."""
    java = Path(home) / "bin" / "java"
    if not java.exists():
        return 0
    output = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', output)
    return int(version[1]) if version else 0


def _path() -> str:
    """Returns the PATH to search, with the folders of servers, which Debian leaves out of a user's PATH."""
    return os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
