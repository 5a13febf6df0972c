"""Makes the three Python environments from the locks, with a pinned uv. Standard library only.

An environment is reused while its lock, the project's metadata and the checkout's path stay the same. One
whose installation was interrupted has no mark file and is installed again.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from stack.layout import Layout
from stack.machine import Missing

MARK = "installed-from"
PYTHON = "3.11"


def ensure(layout: Layout, name: str, tell: Callable[[str], None] = lambda text: None) -> None:
    """Makes the environment `name` if it is missing or does not match its lock.
    Raises Missing with the end of the installer's output if that fails."""
    folder, wanted = layout.environment(name), _mark(layout, name)
    mark = folder / MARK
    if mark.exists() and mark.read_text() == wanted and layout.python(name).exists():
        return
    uv = ensure_uv(layout, tell)
    tell(f"installing the Python environment {name}")
    mark.unlink(missing_ok=True)
    if not layout.python(name).exists() or not _same_place(folder):
        shutil.rmtree(folder, ignore_errors=True)
        _run([uv, "venv", "--quiet", "--python", python(), str(folder)], layout)
    lock, into = str(layout.locks / f"{name}.txt"), ["--python", str(layout.python(name))]
    _run([uv, "pip", "sync", "--quiet", "--require-hashes", *into, lock], layout)
    # uv is also the build backend that pyproject.toml names, in the same version, so it needs no download:
    # --offline makes sure that nothing unpinned is installed.
    _run(
        [uv, "pip", "install", "--quiet", "--offline", "--no-deps", *into, "--editable", str(layout.root)],
        layout,
    )
    mark.write_text(wanted)


def ensure_uv(layout: Layout, tell: Callable[[str], None] = lambda text: None) -> str:
    """Returns the path of the pinned uv; pip installs it, checking its hash, into a separate folder."""
    lock = layout.locks / "uv.txt"
    mark = layout.uv.parents[1] / MARK
    wanted = f"{sha256(lock.read_bytes()).hexdigest()} {layout.root}"
    if mark.exists() and mark.read_text() == wanted:
        return str(layout.uv)
    tell("installing uv, which installs everything else")
    folder = layout.uv.parents[1]
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _run([sys.executable, "-m", "venv", str(folder)], layout)
    except Missing as failed:
        raise Missing(f"{failed}\nIf Python's venv module is missing: apt-get install python3-venv") from None
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(lock)], layout)
    mark.write_text(wanted)
    return str(layout.uv)


def python() -> str:
    """Returns the path of a Python of the version that the locks were resolved for. Raises Missing if there
    is none."""
    if sys.version_info[:2] == (3, 11):
        return str(getattr(sys, "_base_executable", sys.executable))
    if found := shutil.which(f"python{PYTHON}"):
        return found
    raise Missing(
        f"Python {PYTHON} is needed; this is {sys.version.split()[0]}. On Debian 12: apt-get install python3"
    )


def _mark(layout: Layout, name: str) -> str:
    parts = (layout.locks / f"{name}.txt", layout.locks / "uv.txt", layout.root / "pyproject.toml")
    return f"{sha256(b''.join(part.read_bytes() for part in parts)).hexdigest()} {layout.root}\n"


def _same_place(folder: Path) -> bool:
    """True if the environment's scripts point at `folder`: after a checkout was moved they do not."""
    scripts = [script for script in (folder / "bin").glob("activate") if script.is_file()]
    return all(str(folder) in script.read_text() for script in scripts) and bool(scripts)


def _run(command: list[str], layout: Layout) -> None:
    # Readable by all who may enter `.vitrine`: packages contain no data, and a service's account needs them.
    done = subprocess.run(
        command,
        env=_installer_environment(),
        capture_output=True,
        text=True,
        check=False,
        cwd=layout.root,
        umask=0o022,
    )
    if done.returncode:
        raise Missing(f"{' '.join(command[:6])} … failed:\n{(done.stdout + done.stderr)[-3000:]}")


def _installer_environment() -> dict[str, str]:
    """Returns the environment for uv, with the user's pip settings for the network."""
    environment = dict(os.environ)
    for pips, uvs in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
        if pips in environment:
            environment.setdefault(uvs, environment[pips])
    environment.setdefault("UV_HTTP_TIMEOUT", "180")
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    environment.pop("PYTHONPATH", None)
    environment.pop("VIRTUAL_ENV", None)
    return environment
