"""Fetches the jars and the Elasticsearch archive with Maven and checks each against its pinned SHA-256.

`python -m stack.downloads` fetches them again and writes the checksums, theirs and those of Maven's plugins,
for use after a change of jars/pom.xml: look at the difference before you commit it."""

import shutil
import sys
from hashlib import file_digest, sha256
from pathlib import Path

from stack import maven
from stack.layout import HERE, Layout
from stack.machine import Missing


def checksums(layout: Layout) -> Path:
    """Returns the path of the pinned checksums, in the format of sha256sum."""
    return layout.root / "stack" / "jars" / "sha256.txt"


def listed(layout: Layout) -> dict[str, str]:
    """Returns each file's pinned SHA-256 by its path below the jars' folder."""
    lines = checksums(layout).read_text().splitlines()
    return {path: digest for digest, path in (line.split("  ", 1) for line in lines)}


def found(layout: Layout) -> dict[str, str]:
    """Returns the SHA-256 of each file that is in the jars' folder, by path."""
    digests = {}
    for path in sorted(path for path in layout.jars.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digests[str(path.relative_to(layout.jars))] = file_digest(file, sha256).hexdigest()
    return digests


def ensure(layout: Layout) -> None:
    """Fetches the jars unless all are there with their pinned checksums.
    Raises Missing if Maven fails or a fetched file has another checksum."""
    if not differences(listed(layout), found(layout)):
        return
    fetch(layout)
    if difference := differences(listed(layout), found(layout)):
        shutil.rmtree(layout.jars)
        raise Missing(
            "The files that Maven fetched do not match the pinned checksums; all were deleted:\n"
            + "\n".join(difference[:10])
        )


def differences(listed: dict[str, str], found: dict[str, str]) -> list[str]:
    """Returns one line per file that differs from the list; empty if none does."""
    lost = [f"{path} is missing" for path in listed if path not in found]
    extra = [f"{path} is not in the list" for path in found if path not in listed]
    other = [
        f"{path} has SHA-256 {found[path]}, but {digest} is pinned"
        for path, digest in listed.items()
        if found.get(path, digest) != digest
    ]
    return lost + extra + other


def fetch(layout: Layout) -> None:
    """Empties the jars' folder and runs Maven, whose plugins are checked before. Raises Missing if it fails
    or a plugin has another checksum than the pinned one."""
    shutil.rmtree(layout.jars, ignore_errors=True)
    plugins = maven.fetch_plugins(layout)
    maven.check(layout, plugins, frozenset(listed(layout).values()))
    maven.run(layout)


def main() -> int:
    """Fetches everything and writes the checksums. Returns the exit code."""
    shutil.rmtree(HERE.jars, ignore_errors=True)
    shutil.rmtree(maven.repository(HERE), ignore_errors=True)
    plugins = maven.fetch_plugins(HERE)
    maven.run(HERE)
    jars = found(HERE)
    _write(checksums(HERE), jars)
    _write(maven.pins(HERE), {path: one for path, one in plugins.items() if one not in set(jars.values())})
    return 0


def _write(file: Path, digests: dict[str, str]) -> None:
    file.write_text("".join(f"{digest}  {path}\n" for path, digest in digests.items()))
    print(f"{len(digests)} files in {file.name}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
