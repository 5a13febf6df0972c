"""The jar that makes Beam's servers listen on loopback, and the error if it cannot be made."""

import sys
import zipfile
from pathlib import Path

import pytest

from stack.components.beam_on_loopback import SOURCE, write_jar
from stack.service import StackError

CLASS = "org/apache/beam/sdk/fn/server/ServerFactory.class"
COMPILES = f"""
import pathlib, shutil, sys
target = pathlib.Path(sys.argv[sys.argv.index("-d") + 1], "{CLASS}")
target.parent.mkdir(parents=True)
shutil.copyfile(sys.argv[-1], target)
"""
REFUSES = """
import sys
sys.exit("ServerFactory cannot be resolved")
"""


def java(folder: Path, program: str) -> Path:
    """`program`, in Python, in the place of Java with the compiler."""
    file = folder / "java"
    file.write_text(f"#!{sys.executable}\n{program}")
    file.chmod(0o700)
    return file


def test_the_jar_holds_the_class_where_java_looks_for_it(tmp_path: Path) -> None:
    jar = tmp_path / "ours.jar"
    write_jar(java(tmp_path, COMPILES), tmp_path / "ecj.jar", tmp_path / "flink-python-2.jar", jar)
    with zipfile.ZipFile(jar) as made:
        assert made.namelist() == [CLASS]
        assert made.read(CLASS) == SOURCE.read_bytes()


def test_a_release_that_does_not_compile_is_named_with_the_compilers_output(tmp_path: Path) -> None:
    jar = tmp_path / "ours.jar"
    with pytest.raises(StackError, match=r"flink-python-9\.jar[^\n]*\n[^\n]*cannot be resolved"):
        write_jar(java(tmp_path, REFUSES), tmp_path / "ecj.jar", tmp_path / "flink-python-9.jar", jar)
    assert not jar.exists()
