"""Installs what services need on this machine, in parallel: packages, environments, jars."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from stack import downloads, environments, machine
from stack.layout import Layout
from stack.service import Service

Tell = Callable[[str, str], None]


def needed(services: Iterable[Service]) -> tuple[tuple[machine.Tool, ...], tuple[str, ...], bool]:
    """Returns what those of `services` that are not external need: programs, Python environments, and whether
    they need the jars."""
    names = {service.name for service in services if not service.external}
    flink = any(name.startswith("flink") for name in names)
    java = flink or bool(names & {"kafka", "elasticsearch"})
    tools = (machine.JAVA, machine.MAVEN) if java else ()
    redis = (machine.REDIS,) if "redis" in names else ()
    airflow = any(name.startswith("airflow") for name in names)
    chosen = (("airflow", airflow), ("flink", flink))
    return (*tools, *redis), tuple(name for name, wanted in chosen if wanted), java


def ensure(layout: Layout, services: Iterable[Service], tell: Tell) -> None:
    """Installs what is missing. Raises Missing if something cannot be installed."""
    tools, names, jars = needed(services)

    def step(name: str, work: Callable[[], None]) -> None:
        tell(name, "checking …")
        work()
        tell(name, "ready")

    def environment(name: str) -> None:
        label = f"Python environment {name}"
        step(label, lambda: environments.ensure(layout, name, lambda text: tell(label, f"{text} …")))

    def packages_and_jars() -> None:
        step("Debian packages", lambda: machine.install(tools))
        if jars:
            step("jars from Maven", lambda: downloads.ensure(layout))

    # Two workers for two processors; packages and jars mostly wait for the network.
    with ThreadPoolExecutor(max_workers=2) as pool:
        parts = [pool.submit(packages_and_jars), *(pool.submit(environment, name) for name in names)]
        for part in parts:
            part.result()
