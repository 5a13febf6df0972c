"""The real Maven, with a plugin that somebody changed on its way here."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from stack import downloads, maven
from stack.layout import HERE, Layout
from stack.machine import Missing

PLUGIN = "org/apache/maven/plugins/maven-dependency-plugin"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A checkout without jars, whose Maven holds what this one's does."""
    known = maven.repository(HERE)
    if not maven.held(known):
        maven.fetch_plugins(HERE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    layout = Layout(tmp_path / "checkout")
    shutil.copytree(maven.pom(HERE).parent, maven.pom(layout).parent)
    shutil.copytree(known, maven.repository(layout), copy_function=os.link)
    return layout


def test_a_tampered_plugin_is_refused_before_it_runs(place: Layout) -> None:
    [jar] = (maven.repository(place) / PLUGIN).rglob("*.jar")
    content = jar.read_bytes()
    jar.unlink()  # a link to the checkout's own
    jar.write_bytes(content)
    with zipfile.ZipFile(jar, "a") as changed:
        changed.writestr("META-INF/attack", "")
    with pytest.raises(Missing, match=r"None was run(.|\n)*maven-dependency-plugin"):
        downloads.ensure(place)
    assert not place.jars.exists()
