"""Our ServerFactory, compiled by the real compiler against the release that Flink uses."""

from pathlib import Path
from zipfile import ZipFile

from stack.components import beam_on_loopback, flink
from stack.context import this_checkout

CLASS = "org/apache/beam/sdk/fn/server/ServerFactory.class"


def test_it_compiles_and_replaces_a_class_of_the_release(tmp_path: Path) -> None:
    place, jar = this_checkout(), tmp_path / "ours.jar"
    [compiler] = (place.layout.jars / "ecj").glob("*.jar")
    [release] = (flink.home(place) / "opt").glob("flink-python-*.jar")
    beam_on_loopback.write_jar(Path(place.java_home) / "bin" / "java", compiler, release, jar)
    with ZipFile(jar) as ours, ZipFile(release) as shipped:
        assert CLASS in ours.namelist()
        assert CLASS in shipped.namelist()
