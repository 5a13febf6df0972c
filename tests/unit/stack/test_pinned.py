"""What is downloaded is pinned, and what is derived from the pins is fresh. No network."""

import hashlib
from pathlib import Path

import pytest

from stack import downloads, environments, locks
from stack.layout import HERE, Layout


@pytest.mark.parametrize("name", locks.ENVIRONMENTS)
def test_the_locks_follow_from_pyproject(name: str) -> None:
    assert not locks.stale(HERE, name), "run: python3 -m stack.locks"


@pytest.mark.parametrize("name", [*locks.ENVIRONMENTS, "uv"])
def test_every_package_has_a_version_and_a_hash(name: str) -> None:
    text = (HERE.locks / f"{name}.txt").read_text()
    blocks = [block for block in text.split("\n") if block and not block.startswith(("#", " "))]
    assert blocks
    assert all("==" in block and block.endswith("\\") for block in blocks)
    assert text.count("--hash=sha256:") >= len(blocks)


def test_requirements_txt_follows_from_the_locks() -> None:
    text = (HERE.root / "requirements.txt").read_text()
    assert text == locks.exported(HERE), "run: python3 -m stack.locks"
    for clashing in ("apache-airflow==", "apache-airflow-providers-mongo==", "apache-flink=="):
        assert f"#   {clashing}" in text


def test_a_changed_requirement_makes_the_lock_stale(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.locks.mkdir(parents=True)
    project = '[project]\ndependencies = ["a"]\n[project.optional-dependencies]\nmain = ["b==%d"]\n'
    (tmp_path / "pyproject.toml").write_text(project % 1)
    assert locks.stale(layout, "main")
    (layout.locks / "main.txt").write_text(f"{locks.HEADER}{locks.digest(layout, 'main')}\nb==1\n")
    assert not locks.stale(layout, "main")
    (tmp_path / "pyproject.toml").write_text(project % 2)
    assert locks.stale(layout, "main")


def test_the_build_backend_is_the_pinned_uv_itself() -> None:
    version = locks.pins(HERE, "uv")[0].removeprefix("uv==")
    assert f'requires = ["uv_build=={version}"]' in (HERE.root / "pyproject.toml").read_text()


def test_a_file_that_is_not_the_pinned_one_is_named(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    (layout.jars / "kafka").mkdir(parents=True)
    (layout.jars / "kafka" / "a.jar").write_bytes(b"right")
    right = hashlib.sha256(b"right").hexdigest()
    assert downloads.found(layout) == {"kafka/a.jar": right}
    assert downloads.differences({"kafka/a.jar": right}, downloads.found(layout)) == []
    (layout.jars / "kafka" / "a.jar").write_bytes(b"wrong")
    (layout.jars / "kafka" / "b.jar").write_bytes(b"more")
    [extra, other] = downloads.differences({"kafka/a.jar": right}, downloads.found(layout))
    assert extra == "kafka/b.jar is not in the list"
    assert other.startswith("kafka/a.jar has SHA-256")
    assert other.endswith(f"{right} is pinned")


def test_an_interrupted_installation_has_no_mark(tmp_path: Path) -> None:
    assert not (HERE.environment("nowhere") / environments.MARK).exists()
    jars = downloads.listed(HERE)
    assert len(jars) > 90
    assert all(len(digest) == 64 for digest in jars.values())
