"""Makes Beam's gRPC servers listen on loopback only.

Flink talks to its Python processes through Apache Beam, whose `ServerFactory` computes a loopback address and
then binds the port on every interface. No setting changes that, so Flink loads our `ServerFactory` instead
(beam/ServerFactory.java). Eclipse's compiler compiles it: one jar from Maven that runs on any Java, while
javac would need a JDK.
"""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from stack.service import StackError

SOURCE = Path(__file__).parent / "beam" / "ServerFactory.java"


def write_jar(java: Path, compiler: Path, release: Path, jar: Path) -> None:
    """Compiles SOURCE against the flink-python jar `release` and writes `jar`, which must come before
    `release` on the class path. Raises StackError, with the compiler's output, if SOURCE does not compile."""
    with TemporaryDirectory() as folder:
        options = ["-17", "-nowarn", "-proc:none", "-classpath", str(release), "-d", folder]
        done = subprocess.run(
            [str(java), "-XX:TieredStopAtLevel=1", "-jar", str(compiler), *options, str(SOURCE)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StackError(
                f"{SOURCE} does not compile against {release.name}. If Flink's version has changed, compare"
                f" it with the ServerFactory.java of that Beam:\n{(done.stdout + done.stderr)[-2000:]}"
            )
        with ZipFile(jar, "w") as made:
            for file in sorted(Path(folder).rglob("*.class")):
                made.write(file, file.relative_to(folder))
