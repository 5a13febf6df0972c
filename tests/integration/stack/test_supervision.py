"""A small stack next to the running one: a real supervisor and Redis, in a separate folder and on another
port."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from waiting import free_port, until

from stack import lifecycle
from stack import services as declared
from stack.context import under
from stack.layout import HERE, Layout
from stack.service import Service, StackContext, StackError, Unhealthy
from stack.settings import StackSettings, environment
from stack.start import make_folders, up
from stack.supervisor import Supervisor, end_of_log


def quiet(service: str, state: str) -> None:
    pass


@pytest.fixture
def make_place(tmp_path: Path) -> Iterator[Callable[[str], StackContext]]:
    """Makes checkouts in separate folders that share our environments. Their services end with the test."""
    made: list[StackContext] = []

    def make(name: str) -> StackContext:
        layout = Layout(tmp_path / name)
        make_folders(layout)
        (layout.state / "envs").symlink_to(HERE.state / "envs")
        settings = StackSettings(port_offset=0, redis_port=free_port())
        place = StackContext(layout, settings, environment(settings, layout, {}), frozenset())
        made.append(place)
        return place

    yield make
    for place in made:
        lifecycle.take_down(place, quiet)


def bring_up(place: StackContext) -> Service:
    services = declared.services(place)
    wanted = declared.with_needs(services, ["redis"])
    up(place, services, wanted, quiet)
    return wanted[0]


def healthy(service: Service) -> bool:
    try:
        service.health.check()
    except Unhealthy:
        return False
    return True


def test_a_killed_service_is_restarted_and_healthy(make_place: Callable[[str], StackContext]) -> None:
    place = make_place("one")
    redis = bring_up(place)
    first = Supervisor(place.layout).processes()["redis"]
    assert first.state in ("STARTING", "RUNNING")
    os.kill(first.pid, signal.SIGKILL)

    def back() -> bool:
        now = Supervisor(place.layout).processes().get("redis", first)
        return now.state == "RUNNING" and now.pid != first.pid and healthy(redis)

    until(back, "a second Redis")


def test_down_stops_only_its_own(make_place: Callable[[str], StackContext]) -> None:
    one, other = make_place("one"), make_place("other")
    bring_up(one)
    neighbour = bring_up(other)
    pids = {place.layout.root: Supervisor(place.layout).processes()["redis"].pid for place in (one, other)}
    supervisor_pid = int((one.layout.run / "supervisor.pid").read_text())
    assert lifecycle.take_down(one, quiet) == ["redis"]
    assert not psutil.pid_exists(pids[one.layout.root])
    assert not psutil.pid_exists(supervisor_pid)
    assert lifecycle.take_down(one, quiet) == []
    assert psutil.pid_exists(pids[other.layout.root])
    assert healthy(neighbour)


def test_down_of_a_service_leaves_the_others_running_and_up_starts_it_again(
    make_place: Callable[[str], StackContext],
) -> None:
    place = make_place("one")
    redis = bring_up(place)
    supervisor_pid = int((place.layout.run / "supervisor.pid").read_text())
    assert lifecycle.take_down(place, quiet, ["gate"]) == []
    assert healthy(redis)
    assert lifecycle.take_down(place, quiet, ["redis"]) == ["redis"]
    assert not healthy(redis)
    assert psutil.pid_exists(supervisor_pid)
    assert healthy(bring_up(place))


def test_up_again_starts_nothing_twice(make_place: Callable[[str], StackContext]) -> None:
    place = make_place("one")
    bring_up(place)
    first = Supervisor(place.layout).processes()["redis"].pid
    bring_up(place)
    assert Supervisor(place.layout).processes()["redis"].pid == first


def test_a_service_that_cannot_start_is_reported_with_the_end_of_its_log(
    make_place: Callable[[str], StackContext],
) -> None:
    place = make_place("one")
    redis = next(service for service in declared.services(place) if service.name == "redis")
    broken = replace(redis, command=("redis-server", "--port", "words"), start_timeout_s=2)
    with pytest.raises(StackError, match=r"redis did not become healthy in \d+ s") as raised:
        up(place, (broken,), (broken,), quiet)
    assert raised.value.service == "redis"
    until(lambda: "FATAL CONFIG FILE ERROR" in end_of_log(place.layout, "redis"), "what Redis says of it")


def test_an_external_component_is_checked_and_not_started(
    make_place: Callable[[str], StackContext],
) -> None:
    place = make_place("one")
    redis = next(service for service in declared.services(place) if service.name == "redis")
    elsewhere = replace(redis, external=True, start_timeout_s=1)
    with pytest.raises(StackError, match="redis, which you run elsewhere, is not healthy: no answer to PING"):
        up(place, (elsewhere,), (elsewhere,), quiet)
    assert Supervisor(place.layout).processes() == {}


def test_a_setting_that_does_not_concern_it_leaves_a_service_alone(
    make_place: Callable[[str], StackContext],
) -> None:
    place = make_place("one")
    bring_up(place)
    first = Supervisor(place.layout).processes()["redis"].pid
    moved = {"VITRINE_REDIS_PORT": str(place.settings.redis_port), "VITRINE_INDEX_LINGER_MS": "250"}
    bring_up(under(place, moved))
    assert Supervisor(place.layout).processes()["redis"].pid == first


class Always:
    def check(self) -> None:
        pass


def one(name: str, *needs: str, **variables: str) -> Service:
    waits = (sys.executable, "-c", "import time; time.sleep(3600)")
    return Service(name=name, command=waits, health=Always(), needs=needs, environment=variables)


class Told:
    """Records progress as lines of `service: state`."""

    def __init__(self, interrupt_at: str = "") -> None:
        self.lines: list[str] = []
        self._interrupt_at = interrupt_at

    def __call__(self, service: str, state: str) -> None:
        self.lines.append(f"{service}: {state}")
        if self._interrupt_at and state.startswith(self._interrupt_at):
            raise KeyboardInterrupt


def pids(place: StackContext) -> dict[str, int]:
    found = Supervisor(place.layout).processes()
    return {name: one.pid for name, one in found.items() if one.state in ("STARTING", "RUNNING")}


def variable(place: StackContext, service: str, name: str) -> str | None:
    """Returns a variable of the service's process, once it is no longer the supervisor's forked copy."""
    process = psutil.Process(pids(place)[service])
    until(lambda: "time.sleep(3600)" in " ".join(process.cmdline()), f"the process of {service}")
    return process.environ().get(name)


def test_only_services_that_a_setting_concerns_are_restarted_named_or_not(
    make_place: Callable[[str], StackContext],
) -> None:
    place = make_place("one")
    before = (one("base"), one("top", "base", SECRET="hunter1"), one("other"))
    up(place, before, before, quiet)
    first = pids(place)
    now = (one("base"), one("top", "base", SECRET="hunter2"), one("other"))
    told = Told()
    brought = up(place, now, now[2:], told, {"top": ("SECRET",)})
    assert {service.name for service in brought} == {"base", "top", "other"}
    second = pids(place)
    assert {name for name in first if first[name] != second[name]} == {"top"}
    assert variable(place, "top", "SECRET") == "hunter2"
    assert "top: restarting: SECRET changed …" in told.lines
    assert "hunter" not in "".join(told.lines)
    up(place, now, now, told)
    assert pids(place) == second


def test_a_changed_configuration_file_is_written_before_its_reader_starts_again(
    make_place: Callable[[str], StackContext],
) -> None:
    place = make_place("one")
    written: list[str] = []

    def configured(text: str) -> tuple[Service, ...]:
        return (
            replace(one("reader"), configuration=text, prepare=lambda: written.append(text)),
            one("other"),
        )

    up(place, configured("one"), configured("one"), quiet)
    first = pids(place)
    changed = configured("two")
    up(place, changed, changed, quiet)
    assert written == ["one", "two"]
    assert pids(place)["reader"] != first["reader"]
    assert pids(place)["other"] == first["other"]


def test_a_changed_service_that_was_never_started_is_not_started(
    make_place: Callable[[str], StackContext],
) -> None:
    place = make_place("one")
    before, now = (one("on"), one("off", A="1")), (one("on"), one("off", A="2"))
    up(place, before, before[:1], quiet)
    up(place, now, now[:1], quiet)
    assert pids(place).keys() == {"on"}


def test_a_service_that_becomes_external_is_stopped_and_reported(
    make_place: Callable[[str], StackContext],
) -> None:
    place = make_place("one")
    before = (one("store"), one("other"))
    up(place, before, before, quiet)
    first = pids(place)
    now = (replace(before[0], external=True), before[1])
    told = Told()
    up(place, now, now[1:], told, {"store": ("MONGO_URI",)})
    assert pids(place) == {"other": first["other"]}
    assert "store: stopped: MONGO_URI changed" in told.lines


@pytest.mark.parametrize("moment", ["restarting", "stopping", "starting again"])
def test_an_interrupted_restart_is_finished_by_the_next_up(
    make_place: Callable[[str], StackContext], moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_place("one")
    before = (one("top", A="1"), one("other"))
    up(place, before, before, quiet)
    first = pids(place)
    now = (one("top", A="2"), one("other"))

    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    step = {"stopping": "adopt", "starting again": "start"}.get(moment)
    with monkeypatch.context() as broken:
        if step:
            broken.setattr(Supervisor, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            up(place, now, now, Told(interrupt_at=moment))
    up(place, now, now[1:], quiet)
    assert pids(place)["other"] == first["other"]
    assert pids(place)["top"] != first["top"]
    assert variable(place, "top", "A") == "2"


def test_a_restart_that_fails_is_reported_and_repeated_by_the_next_up(
    make_place: Callable[[str], StackContext],
) -> None:
    place = make_place("one")
    before = (one("top", A="1"), one("other"))
    up(place, before, before, quiet)
    broken = (replace(one("top", A="2"), command=("false",), start_timeout_s=1, health=Never()), before[1])
    with pytest.raises(StackError, match=r"top did not become healthy in \d+ s"):
        up(place, broken, broken[1:], quiet)
    mended = (one("top", A="3"), before[1])
    up(place, mended, mended[1:], quiet)
    assert variable(place, "top", "A") == "3"


class Never:
    def check(self) -> None:
        raise Unhealthy("it never is")


def test_a_service_gets_only_its_own_settings(
    make_place: Callable[[str], StackContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_REDIS_URL", "redis://user:hunter2@elsewhere")
    monkeypatch.setenv("MONGO_URI", "mongodb://user:hunter2@elsewhere")
    place = make_place("one")
    services = (one("mine", OWN="yes"),)
    up(place, services, services, quiet)
    assert variable(place, "mine", "OWN") == "yes"
    assert variable(place, "mine", "VITRINE_REDIS_URL") is None
    assert variable(place, "mine", "MONGO_URI") is None
