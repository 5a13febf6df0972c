"""The place of this checkout, read from the environment once."""

import os
import re
import subprocess
from pathlib import Path

from stack.layout import HERE, Layout
from stack.service import Place
from stack.settings import StackSettings, environment, external

JAVA_MIN_VERSION = 17


def here(layout: Layout = HERE) -> Place:
    """This checkout, with the settings of the environment variables."""
    settings = StackSettings()
    return Place(
        layout=layout,
        settings=settings,
        environment=environment(settings, layout, os.environ),
        external=external(settings, os.environ),
        java_home=java_home(),
        root=os.geteuid() == 0,
    )


def java_home() -> str:
    """The folder of a Java that everything here runs on: 17 before newer ones; empty if there is none."""
    candidates = [os.environ.get("JAVA_HOME", ""), *map(str, sorted(Path("/usr/lib/jvm").glob("*17*")))]
    candidates += [str(Path(found).resolve().parents[1]) for found in _on_path()]
    usable = [home for home in candidates if home and java_version(home) >= JAVA_MIN_VERSION]
    return min(usable, key=java_version, default="")


def _on_path() -> list[str]:
    import shutil

    found = shutil.which("java")
    return [found] if found else []


def java_version(home: str) -> int:
    """The major version of the Java in `home`; 0 if there is none."""
    java = Path(home) / "bin" / "java"
    if not java.exists():
        return 0
    told = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    return int(version[1]) if version else 0
