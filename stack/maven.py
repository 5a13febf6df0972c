"""Runs Maven on stack/jars/pom.xml, and its plugin only after each jar that Maven holds was compared with its
pinned SHA-256: a plugin's code runs as the user who starts the stack.

Maven has a local repository of its own for this, since in the user's there are jars of other programs."""

import os
import shutil
import subprocess
from hashlib import file_digest, sha256
from pathlib import Path

from stack.layout import Layout
from stack.machine import Missing

STOPPED = "vitrine:stop-before-a-plugin-runs"
"""What cannot be found in the profile plugins-only, and so ends Maven when everything else was fetched."""


def pom(layout: Layout) -> Path:
    """Returns the path of Maven's list of jars."""
    return layout.root / "stack" / "jars" / "pom.xml"


def pins(layout: Layout) -> Path:
    """Returns the path of the pinned checksums of Maven's plugin and of what it needs."""
    return layout.root / "stack" / "jars" / "plugins-sha256.txt"


def repository(layout: Layout) -> Path:
    """Returns the folder that Maven fetches to: one for each content of the pom, kept like other caches."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "vitrine" / f"maven-{sha256(pom(layout).read_bytes()).hexdigest()[:16]}"


def held(place: Path) -> dict[str, str]:
    """Returns the SHA-256 of each jar in a local repository, by path: of all that holds code."""
    digests = {}
    for path in sorted(place.rglob("*.jar")):
        with path.open("rb") as file:
            digests[str(path.relative_to(place))] = file_digest(file, sha256).hexdigest()
    return digests


def unpinned(held: dict[str, str], pinned: frozenset[str]) -> list[str]:
    """Returns one line per jar whose checksum is not among `pinned`."""
    return [f"{path} has SHA-256 {digest}" for path, digest in held.items() if digest not in pinned]


def fetch_plugins(layout: Layout) -> dict[str, str]:
    """Has Maven fetch its plugin and what that needs, without running it. Returns the SHA-256 of each jar by
    path. Raises Missing if Maven fails in another way, or runs the plugin."""
    repository(layout).mkdir(parents=True, exist_ok=True, mode=0o700)
    done = _maven(layout, "--activate-profiles", "plugins-only")
    if not done.returncode:
        raise Missing(
            "Maven ran its plugins before they could be checked; this version of Maven cannot be used"
        )
    if STOPPED not in done.stdout + done.stderr:
        raise Missing(f"Maven could not fetch its plugins:\n{(done.stdout + done.stderr)[-2000:]}")
    return held(repository(layout))


def check(layout: Layout, jars: dict[str, str], of_jars: frozenset[str]) -> None:
    """Raises Missing, after deleting what was fetched, if a checksum in `jars` is pinned neither as that of a
    plugin nor in `of_jars`."""
    plugins = frozenset(line.split("  ", 1)[0] for line in pins(layout).read_text().splitlines())
    if wrong := unpinned(jars, plugins | of_jars):
        shutil.rmtree(repository(layout))
        raise Missing(
            "Maven fetched plugins that do not match the pinned checksums. None was run; all were deleted. "
            "If this happens again, look at your Maven mirror (~/.m2/settings.xml):\n" + "\n".join(wrong[:10])
        )


def run(layout: Layout) -> None:
    """Has Maven fetch the jars. Raises Missing with the end of its output if it fails."""
    done = _maven(layout)
    if done.returncode:
        raise Missing(f"Maven could not fetch the jars:\n{(done.stdout + done.stderr)[-2000:]}")


def _maven(layout: Layout, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["mvn", "--batch-mode", "--quiet", "--strict-checksums", "--file", str(pom(layout)), *options]
    places = [f"-Dmaven.repo.local={repository(layout)}", f"-Djars={layout.jars}"]
    return subprocess.run(
        [*command, *places, "process-resources"], capture_output=True, text=True, check=False
    )
