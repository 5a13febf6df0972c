"""No plugin of Maven runs before its checksum was compared: with a stand-in for Maven."""

from hashlib import sha256
from pathlib import Path

import pytest

from stack import downloads, maven
from stack.layout import Layout
from stack.machine import Missing

MAVEN = """#!/bin/sh
for word; do case $word in
    -Dmaven.repo.local=*) repository=${word#*=} ;;
    -Djars=*) jars=${word#*=} ;;
    plugins-only) only=yes ;;
esac; done
mkdir -p "$repository/org/plugin/1"
printf %s "$CODE" > "$repository/org/plugin/1/plugin-1.jar"
if [ "$only" ] && [ -z "$RUNS_ANYWAY" ]; then
    echo "Could not find artifact vitrine:stop-before-a-plugin-runs:jar:1"; exit 1
fi
mkdir -p "$jars/kafka"; printf ours > "$jars/kafka/kafka.jar"
"""
GOOD, KAFKA = (sha256(text).hexdigest() for text in (b"good", b"ours"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A checkout with one pinned plugin and one pinned jar."""
    program = tmp_path / "bin" / "mvn"
    program.parent.mkdir()
    program.write_text(MAVEN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    layout = Layout(tmp_path / "checkout")
    maven.pom(layout).parent.mkdir(parents=True)
    maven.pom(layout).write_text("<project/>")
    maven.pins(layout).write_text(f"{GOOD}  org/plugin/1/plugin-1.jar\n")
    downloads.checksums(layout).write_text(f"{KAFKA}  kafka/kafka.jar\n")
    return layout


def test_plugins_with_the_pinned_checksum_run(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODE", "good")
    downloads.ensure(place)
    assert downloads.found(place) == {"kafka/kafka.jar": KAFKA}


def test_a_tampered_plugin_does_not_run(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODE", "steals your keys")
    with pytest.raises(Missing, match=r"None was run(.|\n)*plugin-1\.jar has SHA-256") as refused:
        downloads.ensure(place)
    assert "settings.xml" in str(refused.value), "what to do next"
    assert not place.jars.exists(), "it ran"
    assert not maven.repository(place).exists(), "it would be there the next time"


def test_what_was_put_into_the_cache_meanwhile_does_not_run(
    place: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODE", "good")
    further = maven.repository(place) / "org" / "further" / "further-1.jar"
    further.parent.mkdir(parents=True)
    further.write_text("steals your keys")
    with pytest.raises(Missing, match=r"further-1\.jar has SHA-256"):
        downloads.ensure(place)
    assert not place.jars.exists()


def test_a_maven_that_does_not_stop_is_refused(place: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODE", "good")
    monkeypatch.setenv("RUNS_ANYWAY", "yes")
    with pytest.raises(Missing, match="before they could be checked"):
        downloads.ensure(place)


def test_another_failure_is_told(place: Layout, tmp_path: Path) -> None:
    (tmp_path / "bin" / "mvn").write_text("#!/bin/sh\necho 'no route to the mirror'; exit 1\n")
    with pytest.raises(Missing, match="no route to the mirror"):
        downloads.ensure(place)
