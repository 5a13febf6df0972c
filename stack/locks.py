"""The lock of each environment: every package pinned by version and hash. Standard library only.

`python3 -m stack.locks` resolves them again. Each lock begins with the digest of the requirements that it was
resolved from, so that a stale lock is recognised without a network.
"""

import json
import subprocess
import sys
import tomllib
from hashlib import sha256

from stack.layout import HERE, Layout
from stack.machine import Missing

ENVIRONMENTS = ("main", "airflow", "flink")
PYTHON_VERSION = "3.11"
HEADER = "# Requirements: sha256 "
CLASHING = ("apache-airflow==", "apache-airflow-providers-", "apache-flink==")


def requirements(layout: Layout, name: str) -> list[str]:
    """Returns the requirements of the environment `name` in pyproject.toml."""
    project = tomllib.loads((layout.root / "pyproject.toml").read_text())["project"]
    return sorted((*project["dependencies"], *project["optional-dependencies"][name]))


def digest(layout: Layout, name: str) -> str:
    """Returns the digest of everything a lock depends on: the requirements and the Python version."""
    return sha256(json.dumps([PYTHON_VERSION, requirements(layout, name)]).encode()).hexdigest()


def stale(layout: Layout, name: str) -> bool:
    """True if pyproject.toml has changed since the lock was resolved."""
    lock = layout.locks / f"{name}.txt"
    return not lock.exists() or lock.read_text().partition("\n")[0] != HEADER + digest(layout, name)


def refresh(layout: Layout, uv: str, name: str, *, upgrade: bool = False) -> None:
    """Resolves the lock of `name` again, keeping its versions where they still fit. Raises Missing if uv
    fails."""
    lock = layout.locks / f"{name}.txt"
    command = [uv, "pip", "compile", "--quiet", "pyproject.toml", "--extra", name, "--generate-hashes"]
    command += ["--python-version", PYTHON_VERSION, "--no-header", "--output-file", str(lock)]
    done = subprocess.run([*command, *(["--upgrade"] if upgrade else [])], check=False, cwd=layout.root)
    if done.returncode:
        raise Missing(f"The lock of {name} could not be resolved; uv's output above has the reason")
    lock.write_text(f"{HEADER}{digest(layout, name)}\n{lock.read_text()}")


def pins(layout: Layout, name: str) -> list[str]:
    """Returns the lock's packages as `name==version`."""
    lines = (layout.locks / f"{name}.txt").read_text().splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith(("#", " "))]


def exported(layout: Layout) -> str:
    """Returns requirements.txt: the main environment in full, and where to find the other two."""
    others = [pin for name in ("airflow", "flink") for pin in pins(layout, name) if pin.startswith(CLASHING)]
    return "\n".join(
        (
            "# Every package of Vitrine's main environment, exported from stack/locks/main.txt (which has",
            "# the hashes) by `python3 -m stack.locks`.",
            "#",
            "# Airflow and Flink have separate environments, stack/locks/airflow.txt and",
            "# stack/locks/flink.txt, because their pins clash with these and with each other (Flink wants",
            "# numpy<2.2 and protobuf 5, dp-accounting attrs<24, Airflow's task SDK attrs>=24.2). They pin:",
            *(f"#   {pin}" for pin in others),
            *pins(layout, "main"),
            "",
        )
    )


def main() -> int:
    """Resolves every environment again. Returns the exit code."""
    upgrade = "--upgrade" in sys.argv
    for name in ENVIRONMENTS:
        refresh(HERE, str(HERE.uv) if HERE.uv.exists() else "uv", name, upgrade=upgrade)
        print(f"{name}: {len(pins(HERE, name))} packages", file=sys.stderr)
    (HERE.root / "requirements.txt").write_text(exported(HERE))
    return 0


if __name__ == "__main__":
    sys.exit(main())
