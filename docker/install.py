"""What docker/Dockerfile installs, by the stack's means: `install.py environment NAME | jars`; and before
Flink's containers start, `install.py flink`: no image holds a key.

Standard library only, but for `flink`, which runs in the main environment once that is there.
"""

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from stack.layout import HERE

OWN = Path(__file__).with_name("flink.yaml")


def environment(name: str) -> None:
    """Makes one of the three Python environments from its lock."""
    from stack import environments

    environments.ensure(HERE, name, lambda text: print(text, flush=True))


def jars() -> None:
    """Fetches what Maven has and holds it against the checksums; keeps what Flink needs."""
    from stack import downloads

    downloads.ensure(HERE)
    for folder in HERE.jars.iterdir():
        if folder.name != "flink":
            shutil.rmtree(folder)


def flink() -> None:
    """Flink's certificates, configuration and libraries: the native stack's, with addresses for a network of
    containers."""
    import yaml

    from stack.components import flink as native
    from stack.context import this_checkout

    jobmanager = next(
        service for service in native.services(this_checkout()) if service.name == "flink-jobmanager"
    )
    assert jobmanager.prepare is not None
    jobmanager.prepare()
    config = HERE.run / "flink" / "conf" / "config.yaml"
    merged = yaml.safe_load(config.read_text()) | yaml.safe_load(OWN.read_text())
    config.write_text(yaml.safe_dump(merged, width=100_000))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["environment", name]:
            environment(name)
        case ["jars"]:
            jars()
        case ["flink"]:
            flink()
        case _:
            sys.exit(__doc__)
